// Package session holds sessions and their logs.
//
// A session is an append-only log of events with a gapless seq, starting at 1
// in each epoch. Every change (a message, a piece of an answer, the end of a
// run, a new label) is one event, committed before anyone is told of it; the
// transcript is a projection written in the same transaction. Folding the log
// gives the transcript, and a test holds the two equal.
//
// A Service serialises the changes of one session, so that events reach the
// Publisher in the order of their seq. Different sessions proceed side by side
// and share the store's grouped commits.
package session
