/** The groups that decide who may do what and which APIs there are: RBAC, admission, API registration, CRDs, reviews. */

import { crdStrategy } from '../kinds/crd.ts';
import {
  admissionPolicyBindingStrategy,
  admissionPolicyStrategy,
  apiServiceStrategy,
  bindingStrategy,
  roleStrategy,
  webhookStrategy,
} from '../kinds/policies.ts';
import {
  admissionPolicyBindingTable,
  admissionPolicyTable,
  apiServiceTable,
  bindingTable,
  createdAtTable,
  webhookTable,
} from '../tables/policies.ts';
import { type Resource, resource } from './resource.ts';

const rbac = 'rbac.authorization.k8s.io';
const admission = 'admissionregistration.k8s.io';

/** Kinds that are questions: created, answered, never stored. */
const review = (group: string, kind: string, plural: string, namespaced = false): Resource =>
  resource({ group, kind, plural, verbs: ['create'], ...(namespaced ? {} : { clusterScoped: true }) });

export const accessResources: readonly Resource[] = [
  resource({
    group: rbac,
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    clusterScoped: true,
    table: bindingTable,
    strategy: bindingStrategy,
  }),
  resource({
    group: rbac,
    kind: 'ClusterRole',
    plural: 'clusterroles',
    clusterScoped: true,
    table: createdAtTable,
    strategy: roleStrategy,
  }),
  resource({
    group: rbac,
    kind: 'RoleBinding',
    plural: 'rolebindings',
    table: bindingTable,
    strategy: bindingStrategy,
  }),
  resource({ group: rbac, kind: 'Role', plural: 'roles', table: createdAtTable, strategy: roleStrategy }),
  resource({
    group: admission,
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    clusterScoped: true,
    generation: true,
    table: webhookTable,
    strategy: webhookStrategy,
  }),
  resource({
    group: admission,
    kind: 'ValidatingWebhookConfiguration',
    plural: 'validatingwebhookconfigurations',
    clusterScoped: true,
    generation: true,
    table: webhookTable,
    strategy: webhookStrategy,
  }),
  resource({
    group: admission,
    kind: 'ValidatingAdmissionPolicy',
    plural: 'validatingadmissionpolicies',
    clusterScoped: true,
    status: true,
    generation: true,
    table: admissionPolicyTable,
    strategy: admissionPolicyStrategy,
  }),
  resource({
    group: admission,
    kind: 'ValidatingAdmissionPolicyBinding',
    plural: 'validatingadmissionpolicybindings',
    clusterScoped: true,
    generation: true,
    table: admissionPolicyBindingTable,
    strategy: admissionPolicyBindingStrategy,
  }),
  resource({
    group: 'apiregistration.k8s.io',
    kind: 'APIService',
    plural: 'apiservices',
    categories: ['api-extensions'],
    clusterScoped: true,
    status: true,
    schemaGroup: 'aggregator.apiregistration',
    table: apiServiceTable,
    strategy: apiServiceStrategy,
  }),
  resource({
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    clusterScoped: true,
    status: true,
    generation: true,
    schemaGroup: 'extensions.apiextensions',
    table: createdAtTable,
    strategy: crdStrategy,
  }),
  review('authentication.k8s.io', 'SelfSubjectReview', 'selfsubjectreviews'),
  review('authentication.k8s.io', 'TokenReview', 'tokenreviews'),
  review('authorization.k8s.io', 'LocalSubjectAccessReview', 'localsubjectaccessreviews', true),
  review('authorization.k8s.io', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews'),
  review('authorization.k8s.io', 'SelfSubjectRulesReview', 'selfsubjectrulesreviews'),
  review('authorization.k8s.io', 'SubjectAccessReview', 'subjectaccessreviews'),
];
