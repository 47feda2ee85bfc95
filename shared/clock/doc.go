// Package clock is package time for programs that are compiled to WebAssembly:
// what is linked there of package time is 57 kB of a browser's download.
// Everywhere else its names are those of package time, so that tests with a
// clock of their own (testing/synctest) hold here too.
//
// Under js the page lends four functions (go:wasmimport, module "gatehouse", see
// web/static/js/boot.js):
//
//	clock_wall() f64             milliseconds since 1970 UTC
//	clock_steady() f64           milliseconds since some moment, never going back
//	timer_set(id i32, ms f64)    call the export timer_fired(id) after ms
//	timer_clear(id i32)          do not
package clock
