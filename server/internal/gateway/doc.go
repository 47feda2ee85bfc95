// Package gateway speaks the protocol: it decodes frames, finds out who sends
// them, checks what they may do, and hands them to the domain. The method table
// (method.go) says which methods there are and the least role each one needs.
package gateway
