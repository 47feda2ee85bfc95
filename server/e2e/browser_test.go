package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// tab is one tab. It has a browser context of its own, so that it shares no cookies with
// other tabs, unless it was opened by openBeside.
type tab struct {
	t   *testing.T
	ctx context.Context

	// mu guards the following fields.
	mu       sync.Mutex
	problems []string // exceptions, violated policies, dialogs
	expected []string // parts of problems that the test provokes
}

// networkName is a host name that the browser resolves to 127.0.0.1.
const networkName = "gate.test"

// browser starts one Chromium for a test.
func browser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := os.Getenv("E2E_BROWSER")
	if path == "" {
		var err error
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if path, err = exec.LookPath(name); err == nil {
				break
			}
		}
		if err != nil {
			t.Skip("there is no chromium: install it, or name a browser in E2E_BROWSER")
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP "+networkName+" 127.0.0.1"),
		chromedp.WindowSize(1280, 800))
	options = append(options, more...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// newTab opens a tab with cookies of its own.
func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	return openTab(t, browser, chromedp.WithNewBrowserContext())
}

// openBeside opens another tab with the same cookies.
func (b *tab) openBeside() *tab {
	b.t.Helper()
	return openTab(b.t, b.ctx)
}

func openTab(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, command(log.Enable, cdp.Empty{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			b.screenshot("failed")
		}
		cancel()
		for _, p := range b.unexpectedProblems() {
			t.Errorf("the page reports: %s", p)
		}
	})
	return b
}

// listen collects what must not happen on a page.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity || e.Entry.Level == log.EntryLevelError && !isNetwork(e.Entry) {
			b.problems = append(b.problems, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	case *page.EventJavascriptDialogOpening:
		b.problems = append(b.problems, "dialog: "+e.Message)
	}
}

// isNetwork reports whether a log entry may come from a gateway that is down.
func isNetwork(e *log.Entry) bool {
	return e.Source == log.EntrySourceNetwork || strings.Contains(e.Text, "WebSocket connection to")
}

func (b *tab) expectProblem(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, part)
}

func (b *tab) unexpectedProblems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []string
next:
	for _, p := range b.problems {
		for _, e := range b.expected {
			if strings.Contains(p, e) {
				continue next
			}
		}
		rest = append(rest, p)
	}
	return rest
}

// run performs actions, which must succeed within waitLimit.
func (b *tab) run(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.state())
	}
}

// state describes the page, for the report of a failure.
func (b *tab) state() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + JSON.stringify({...document.body.dataset}) + "\n" +
		document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// open goes to an address and waits until the client has started.
func (b *tab) open(url string) {
	b.t.Helper()
	b.run("open "+url, chromedp.Navigate(url))
	b.waitForClient()
}

// waitForClient waits until the client has started on the page.
func (b *tab) waitForClient() {
	b.t.Helper()
	b.wait("the client has started", `document.body?.dataset.boot === "`+markup.BootReady+`"`)
}

// wait waits until a JavaScript expression is true.
func (b *tab) wait(what, expression string) {
	b.t.Helper()
	b.within(waitLimit, what, expression)
}

// within waits up to limit until a JavaScript expression is true. The page may be left
// meanwhile.
func (b *tab) within(limit time.Duration, what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	for ctx.Err() == nil {
		// A navigation ends a poll; the next one polls the new page.
		_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression,
			chromedp.WithPollingInterval(20*time.Millisecond)))
		if err == nil {
			return
		}
	}
	b.t.Fatalf("%s: not within %s: %s\n%s", what, limit, expression, b.state())
}

// text returns the rendered text of the first element that matches.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return evaluate[string](b, `document.querySelector(`+quote(selector)+`)?.innerText ?? ""`)
}

// number evaluates an expression that returns a number.
func (b *tab) number(expression string) int {
	b.t.Helper()
	return evaluate[int](b, expression)
}

func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// command is a command of the DevTools protocol as an action.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// click clicks the first visible element that matches.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.run("click "+selector, chromedp.Click(selector))
}

// send writes into the composer and presses Enter.
func (b *tab) send(message string) {
	b.t.Helper()
	b.fill("#"+markup.IDComposerInput, message)
	b.run("press Enter", enter)
}

// fill replaces the text of an input, as typing does.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.run("write into "+selector, chromedp.WaitVisible(selector), chromedp.Focus(selector),
		chromedp.Evaluate[chromedp.Void](`document.querySelector(`+quote(selector)+`).select()`),
		command(input.InsertText, input.InsertTextParams{Text: text}))
}

// enter presses the Enter key as a keyboard does: one event carries the key's character,
// which is not typed when the page prevents it.
var enter = chromedp.Steps(
	command(input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: "keyDown", Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}),
	command(input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: "keyUp", Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}),
)

// screenshot saves a picture of the tab in the directory E2E_PICTURES, if that is set.
func (b *tab) screenshot(name string) {
	dir := os.Getenv("E2E_PICTURES")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	file := strings.ReplaceAll(b.t.Name(), "/", "-") + "-" + name + ".png"
	_ = os.WriteFile(filepath.Join(dir, file), png, 0o644)
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
