// Package follow keeps the transcripts of sessions up to date through whatever
// becomes of the connection: it is package client with one timeline a session,
// and does what those two say is to be done after a loss, a gap or a reset. A
// program follows a session and is told what changes in it.
//
// What a session has to say is told, and may be read, in callbacks alone (see
// package client's word on concurrency); [client.Client.Tell] makes one of any
// function.
package follow
