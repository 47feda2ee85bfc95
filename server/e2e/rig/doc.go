// Package rig is what tests from outside stand on: the real binary as a process
// of its own, other programs beside it, and a conversation in the protocol over
// whatever WebSocket a test brings along.
//
// The binary is bin/gatehouse, or what E2E_BINARY names; without one a test is
// skipped.
package rig
