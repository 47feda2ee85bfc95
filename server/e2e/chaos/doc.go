// Package chaos tries hard to make a gateway lose something.
//
// A run starts the real binary on a data directory of its own. Several clients of each
// user write and read through a network that cuts, halves, delays and stalls their
// connections, while the gateway is killed and started again. Then the network heals,
// everything settles, and the run compares what is left: each acknowledged message is
// there exactly once and in order; every client's transcript equals the gateway's, a
// fresh client's and the one that the log folds to; the log has no gap in the database.
// Other promises are checked during the run: a connection's events follow one another,
// two clients never see different events with the same seq, and text that was shown stays
// shown.
//
// Two kinds of clients follow sessions. Devices check each step of the gateway, so they
// have follow code of their own. Followers use package follow, as the browser does.
//
// The seed alone decides which faults happen to whom, so that a run can be repeated; when
// exactly they happen differs.
//
// The binary is bin/gatehouse, or what E2E_BINARY names. CHAOS_SEED, CHAOS_FOR and
// CHAOS_CLIENTS choose the run that the test makes; `make chaos` makes a long one.
package chaos
