//go:build crds

// Package kubernetes keeps istio.io/api among the requirements: its CRDs are installed into the test's API server.
package kubernetes

import _ "istio.io/api/security/v1"
