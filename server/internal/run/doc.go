// Package run makes answers: one worker a busy session takes its queued runs one
// after another, lets the agent answer, and appends what it says to the
// session's log in pieces of about 40 ms.
//
// A run belongs to its session: it goes on when every client is gone, and ends
// in exactly one of completed, failed and cancelled. An agent that fails before
// its first word is asked again; after it the failure is the run's.
//
// A run under way has a lease, which its Runner renews for as long as it lives:
// a run whose lease is over has lost its process, and is ended by others.
package run
