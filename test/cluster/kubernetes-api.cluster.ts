import { describeKubernetesApi } from '../contract/kubernetes-api.contract.js';
import { startControlPlane } from './control-plane.js';

describeKubernetesApi('a real kube-apiserver', () => startControlPlane());
