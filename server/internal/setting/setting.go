// Package setting is the one way in which settings that a reload may change reach
// the parts that obey them.
//
// A part declares a struct Settings with the values it needs, and takes a
// Live[Settings] when it is made. The configuration owns the defaults: a part
// takes every value as it is given. Package app builds all Settings from one
// configuration and replaces them at once.
package setting

// Live gives the settings in force. It is safe for concurrent use, and what it
// gives is never written to. A part asks once for each operation, so that one
// operation sees the settings from before a reload or from after it, never a mix.
type Live[Settings any] func() Settings

// Fixed gives settings that never change: for tests, and for what no reload changes.
func Fixed[Settings any](s Settings) Live[Settings] { return func() Settings { return s } }
