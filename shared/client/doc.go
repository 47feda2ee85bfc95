// Package client keeps one conversation with a gateway going: it dials, says
// hello, matches answers to requests, waits out a pairing, and comes back after
// every loss. It owns the Transport interface; package native has the one over
// TCP, a browser brings its own.
//
// # Concurrency
//
// One mutex guards the whole machine. Transport and Socket are called with it
// held, which is why they must return at once and never call back from within.
// The program's callbacks (OnState, OnEvent, a call's done) are never called
// with it held: what is to be told goes into one queue, and whichever goroutine
// finds nobody delivering empties it. So callbacks come one at a time, in the
// order in which things happened, and may call every method of the Client; what
// such a call brings about is told after the callback has returned. A callback
// that waits for another one (Request inside OnEvent, say) waits for itself.
//
// No goroutine is started; time comes from time.AfterFunc.
//
// # Waiting
//
// A lost connection is tried again after 1 s, then after twice as long each
// time up to 30 s, each wait spread by a fifth to either side but never outside
// 1 s to 30 s. A gateway that says how long to wait (retryAfterMs) is obeyed. A
// connection that was ready for 10 s sets the wait back to 1 s.
package client
