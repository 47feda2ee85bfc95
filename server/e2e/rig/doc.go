// Package rig starts what tests from outside work with: the real binary as a process of
// its own, other programs beside it, and clients that speak the protocol over whatever
// WebSocket a test brings along.
//
// The binary is bin/gatehouse, or what E2E_BINARY names. Without a binary, tests are
// skipped.
package rig
