// Package firefox drives a real Firefox with WebDriver BiDi
// (https://www.w3.org/TR/webdriver-bidi/), and tests in it what people do with Gatehouse's
// pages: they pair, read answers as they are written, stop, reload, lose the network and
// the gateway, send files, run the console, and do without a mouse. The tests in package
// e2e cover the same in Chromium, and more.
//
// The browser is the firefox on PATH, or what E2E_FIREFOX names. Without one the tests are
// skipped.
package firefox
