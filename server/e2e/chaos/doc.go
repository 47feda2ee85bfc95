// Package chaos tries hard to make a gateway lose something.
//
// A run starts the real binary on a data directory of its own and lets a number
// of clients, several of each user, write and read through a network that cuts,
// halves, delays and stalls their connections, while the gateway is killed and
// started again. Then the network heals, everything settles, and what is left is
// compared: each acknowledged message exactly once and in order, every client's
// transcript equal to the gateway's, to a fresh client's and to the log's fold,
// and the log without a gap in the database. Much is compared on the way, too:
// a connection's events follow one another, two clients never see different
// events of one seq, and what was shown stays shown.
//
// Two kinds of clients follow sessions: devices check the gateway's every step, so
// they follow in their own way; companions use package follow, as the browser does.
//
// What is done to whom is decided by the seed alone, so that a run can be had
// again; when exactly it happens is not.
//
// The binary is bin/gatehouse, or what E2E_BINARY names. CHAOS_SEED, CHAOS_FOR
// and CHAOS_CLIENTS say which run the test makes; `make chaos` makes a long one.
package chaos
