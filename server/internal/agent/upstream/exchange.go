package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

var (
	errOverrun = errors.New("the whole run took longer than its timeout")
	errSilent  = errors.New("the model server was silent for longer than its timeout")
)

// Exchange is one run's conversation with the server. It belongs to Run's goroutine.
type Exchange struct {
	server *Server
	parent context.Context
	ctx    context.Context
	stop   context.CancelCauseFunc
	cancel context.CancelFunc
	silent *time.Timer // runs only while waiting for the server
	emit   func(agent.Piece) error

	emitErr error // what emit returned
	sendErr error // why no response came
	readErr error // why a response's body broke off
	eof     bool  // the response's body ended
	read    int64 // bytes of the response's body
	begun   bool  // a piece was emitted
	text    bool  // some of it was Text
}

// Begin starts the clocks of a run. The caller must call [Exchange.Close].
func (s *Server) Begin(ctx context.Context, emit func(agent.Piece) error) *Exchange {
	x := &Exchange{server: s, parent: ctx, emit: emit}
	timed, cancel := context.WithTimeoutCause(ctx, s.timeout, errOverrun)
	x.ctx, x.stop = context.WithCancelCause(timed)
	x.cancel = cancel
	x.silent = time.AfterFunc(s.first, func() { x.stop(errSilent) })
	x.silent.Stop()
	return x
}

// Context ends with the caller's, and when one of the server's deadlines passes.
func (x *Exchange) Context() context.Context { return x.ctx }

// Close releases the clocks and breaks off whatever request is still going on. Of a retired server it keeps no connection.
func (x *Exchange) Close() {
	x.silent.Stop()
	x.cancel()
	if x.server.retired.Load() {
		x.server.client.CloseIdleConnections()
	}
}

// Emit hands p on, with its text made valid; an empty piece is dropped. After an error the run must end.
func (x *Exchange) Emit(p agent.Piece) error {
	p.Text, p.Thinking = clean(p.Text), clean(p.Thinking)
	if p == (agent.Piece{}) {
		return nil
	}
	if err := x.ctx.Err(); err != nil {
		return err
	}
	x.begun = x.begun || p.Text != "" || p.Thinking != ""
	x.text = x.text || p.Text != ""
	x.emitErr = x.emit(p)
	return x.emitErr
}

// clean makes s storable anywhere: valid UTF-8 without NUL.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// Do sends req once. Any response that is not a stream of events is an error, already explained; the body of one
// that is counts against the limits and the clocks.
func (x *Exchange) Do(req *http.Request) (*http.Response, error) {
	x.sendErr, x.readErr, x.eof, x.read = nil, nil, false, 0
	x.wait()
	resp, err := x.server.client.Do(req) // #nosec G704 -- the operator says where, in agents.list
	x.silent.Stop()
	if err != nil {
		x.sendErr = err
		return nil, err
	}
	resp.Body = &body{x: x, rc: resp.Body}
	if err := x.check(resp); err != nil {
		x.sendErr = err
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// check passes a response that may be an event stream, and explains any other.
func (x *Exchange) check(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return x.server.redirected(resp)
	case resp.StatusCode == http.StatusOK && kind != "text/html" && kind != "application/json" && kind != "application/x-ndjson":
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err != nil && x.ctx.Err() != nil {
		return err
	}
	return x.server.explainStatus(resp.StatusCode, resp.Header, text)
}

// wait starts the clock for one wait on the server.
func (x *Exchange) wait() {
	if x.begun {
		x.silent.Reset(x.server.idle)
		return
	}
	x.silent.Reset(x.server.first)
}

// Drained reports whether the response's body was read to its end: nothing in it has stopped the reader before.
func (x *Exchange) Drained() bool { return x.eof }

// Ending is how a response's stream ended, as the adapter read it.
type Ending struct {
	Err    error        // what reading it failed with
	Report []byte       // the provider's own error event, as JSON; empty if it sent none
	Known  bool         // at least one event was one of the API's
	Finish agent.Finish // why the provider says the answer ended; empty if it has not said so
}

// End is the error that the run ends with: nil for a whole answer, else as [agent.Agent] demands it.
func (x *Exchange) End(e Ending) error {
	if x.emitErr != nil {
		return x.emitErr
	}
	if err := x.parent.Err(); err != nil {
		return err
	}
	failure := x.failure(e)
	if failure == nil {
		return nil
	}
	failure.Emitted = x.begun
	return failure
}

func (x *Exchange) failure(e Ending) *agent.Error {
	s := x.server
	var explained *agent.Error
	switch cause := context.Cause(x.ctx); {
	case e.Finish != "":
		return s.judge(e.Finish, x.text) // what happens to the connection afterwards takes nothing from the answer
	case cause != nil:
		return s.late(cause, x.begun)
	case len(e.Report) > 0:
		return s.explainReport(e.Report)
	case errors.As(e.Err, &explained):
		return explained
	case x.sendErr != nil:
		return s.unreachable(x.sendErr)
	case errors.Is(x.readErr, errTooLarge):
		return s.tooLarge(x.readErr)
	case x.readErr != nil:
		return s.cut(x.begun, x.readErr)
	case e.Err != nil:
		return s.malformed(e.Err)
	case !e.Known && x.read > 0:
		return s.notTheAPI(http.StatusOK, errors.New("the response holds no event of this API"))
	default:
		return s.cut(x.begun, fmt.Errorf("the stream ended after %d bytes without a finish reason", x.read))
	}
}
