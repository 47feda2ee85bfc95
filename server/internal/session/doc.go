// Package session holds sessions and their logs.
//
// A session is an append-only log of events with a gapless seq, starting at 1
// in each epoch. Every change (a message, a piece of an answer, the end of a
// run, a new label) is one event, committed before anyone is told of it; the
// transcript is a projection written in the same transaction. Folding the log
// gives the transcript, and a test holds the two equal.
//
// A client that knows an epoch and a seq gets everything after it by Replay,
// from memory or from the store, or is told that it cannot be followed (Reset).
// That is so once Compact has removed the pieces of old answers: up to its floor
// a log has gaps, above it none. The messages made of them stay.
//
// A run belongs to its session. Who answers holds its lease; a run whose lease
// is over is ended as interrupted by Recover, and Retry answers its message anew.
//
// A Service serialises the changes of one session, so that events reach the
// Publisher in the order of their seq. Different sessions proceed side by side
// and share the store's grouped commits. What it has in memory is right as long
// as it alone changes the sessions of its store.
package session
