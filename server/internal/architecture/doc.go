// Package architecture holds nothing but tests: which package may import which,
// what the client must not link, and what lies where in the tree. Each rule says
// why it is there; who needs to break one changes the rule, and its reason, first.
package architecture
