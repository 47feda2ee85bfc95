// Package e2e tests Gatehouse as people use it: the real binary with its SQLite file, and
// the real WebAssembly client in a real Chromium.
//
// The binary is bin/gatehouse, or what E2E_BINARY names. The browser is the chromium on
// PATH, or what E2E_BROWSER names. Without one of them the tests are skipped.
//
// The folder is a module of its own, so that the libraries that only its tests need
// (Chromium's protocol, Pebble, other WebSocket clients) are in no go.mod that the binary
// is built from. Packages below it test against other programs and libraries: acme,
// chaos, firefox, interop, proxy and webhook.
package e2e
