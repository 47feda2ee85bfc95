// Package clock offers the part of package time that the browser's client needs.
//
// In a program compiled to WebAssembly, package time takes 57 kB of the download, so
// under js this package has its own small types. Everywhere else its names are those
// of package time, so that tests with a fake clock (testing/synctest) work.
//
// Under js the page provides four functions (go:wasmimport, module "gatehouse", see
// web/static/js/boot.js):
//
//	clock_wall() f64             milliseconds since 1970 UTC
//	clock_monotonic() f64        milliseconds on a monotonic clock
//	timer_set(id i32, ms f64)    call the export timer_fired(id) after ms
//	timer_clear(id i32)          cancel the timer
package clock
