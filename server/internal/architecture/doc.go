// Package architecture contains only tests: which package may import which, what the
// client must not link, and which files belong where in the tree.
//
// The rules are in rules_test.go. Each rule has a reason. To break a rule, change the
// rule and its reason first.
package architecture
