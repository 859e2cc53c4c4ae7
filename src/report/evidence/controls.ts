/** Which requirements a proof speaks to, in words that claim no more than it saw. */

export interface Control {
  readonly name: string;
  readonly text: string;
}

/** Each text says what the bundle contributes; whether a requirement is met is for the assessor. */
export const controls: readonly Control[] = [
  {
    name: 'PCI DSS 4.0.1, 4.2.1 and 4.2.1.1',
    text: 'supports the review of encryption in transit between workloads, and lists the certificates in use (certificates.csv)',
  },
  {
    name: 'NIST SP 800-53 Rev. 5, SC-8, SC-8(1) and SC-23',
    text: 'supports the assessment of confidentiality and integrity in transit, and of authenticated sessions',
  },
  {
    name: 'NIST SP 800-53 Rev. 5, IA-3 and IA-9',
    text: 'supports the assessment of mutual identification of services, by SPIFFE ids in certificates',
  },
  {
    name: 'NIST SP 800-207A',
    text: 'supports the claim that service identities are checked for each connection that was probed',
  },
  {
    name: 'ISO/IEC 27001:2022, Annex A 8.20, 8.21 and 8.24',
    text: 'supports the evidence for network security and for the use of cryptography',
  },
  {
    name: 'SOC 2, CC6.1 and CC6.7',
    text: 'supports the evidence for protected transmission of information inside the cluster',
  },
];
