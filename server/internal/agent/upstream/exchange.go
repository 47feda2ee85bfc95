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

// Exchange is the exchange of one run with the server. Only the run's goroutine may use
// it.
type Exchange struct {
	server  *Server
	parent  context.Context // the caller's
	ctx     context.Context // parent with the server's deadlines
	stop    context.CancelCauseFunc
	cancel  context.CancelFunc
	silence *time.Timer // stops the exchange; runs only while waiting for the server
	emit    func(agent.Piece) error

	firstBy  time.Time // when the last request must have brought its first token
	finishBy time.Time // when the rest of a finished answer's stream is no longer awaited

	emitErr     error       // the last error of emit
	sendErr     error       // why the last request got no usable response
	readErr     error       // why reading the last response's body failed
	header      http.Header // of the last response
	read        int64       // how many bytes were read of the last response's body
	begun       bool        // whether the server has sent a token, which may be held back
	emitted     bool        // whether Text or Thinking was emitted
	emittedText bool        // whether the answer has Text that is not only white space
}

// Begin starts an exchange and the deadline of the whole run. The caller must call
// [Exchange.Close].
func (s *Server) Begin(ctx context.Context, emit func(agent.Piece) error) *Exchange {
	x := &Exchange{server: s, parent: ctx, emit: emit}
	timed, cancel := context.WithTimeoutCause(ctx, s.timeout, errOverrun)
	x.ctx, x.stop = context.WithCancelCause(timed)
	x.cancel = cancel
	x.silence = time.AfterFunc(s.first, func() { x.stop(errSilent) })
	x.silence.Stop()
	return x
}

// Context returns the context for requests. It ends with the caller's context, and when
// one of the server's deadlines passes.
func (x *Exchange) Context() context.Context { return x.ctx }

// Close stops the timers and cancels the request that is under way, if any. If the server
// was retired, Close also closes its idle connections.
func (x *Exchange) Close() {
	x.silence.Stop()
	x.cancel()
	if x.server.retired.Load() {
		x.server.client.CloseIdleConnections()
	}
}

// Emit makes the texts of p valid and passes p to the run's emit, unless p is empty. If
// Emit returns an error, the run must end.
func (x *Exchange) Emit(p agent.Piece) error {
	p.Text, p.Thinking = validText(p.Text), validText(p.Thinking)
	if p == (agent.Piece{}) {
		return nil
	}
	if err := x.ctx.Err(); err != nil {
		return err
	}
	x.emitted = x.emitted || p.Text != "" || p.Thinking != ""
	x.begun = x.begun || x.emitted
	x.emittedText = x.emittedText && !p.TextWasThinking || strings.TrimSpace(p.Text) != ""
	x.emitErr = x.emit(p)
	return x.emitErr
}

// validText returns s as valid UTF-8 without NUL.
func validText(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// Do sends req, once. If the response can be neither an event stream nor an answer, Do
// returns an [*agent.Error] that explains the response. Otherwise the limits and the
// silence timer apply to the body.
func (x *Exchange) Do(req *http.Request) (*http.Response, error) {
	x.sendErr, x.readErr, x.read, x.begun, x.finishBy = nil, nil, 0, false, time.Time{}
	x.firstBy = time.Now().Add(x.server.first)
	x.startSilenceTimer()
	req.Header.Set("Accept-Encoding", "identity") // decompression would delay pieces
	resp, err := x.server.client.Do(req)          // #nosec G704 -- the operator says where, in agents.list
	x.silence.Stop()
	if err != nil {
		x.sendErr = err
		return nil, err
	}
	resp.Body, x.header = &body{x: x, rc: decoded(resp)}, resp.Header
	if err := x.checkResponse(resp); err != nil {
		x.sendErr = err
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// checkResponse returns nil if resp may be an event stream or an answer, else an error
// that explains resp. The content type of an answer may be any but a page's: servers and
// proxies give many.
func (x *Exchange) checkResponse(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return x.server.redirected(resp)
	case isSuccess(resp.StatusCode) && kind != "text/html":
		return x.checkEncoding(resp)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err != nil && x.ctx.Err() != nil {
		return err
	}
	return x.server.explainStatus(resp.StatusCode, resp.Header, text)
}

func isSuccess(status int) bool {
	return status == http.StatusOK || status == http.StatusCreated ||
		status == http.StatusAccepted
}

// finishWait is how long the rest of a stream is awaited after the reason why the answer
// ended: the usage, and the event that ends the stream.
const finishWait = 5 * time.Second

// finishing starts the wait for the rest of the stream.
func (x *Exchange) finishing() {
	if x.finishBy.IsZero() {
		x.finishBy = time.Now().Add(finishWait)
	}
}

// startSilenceTimer limits one wait for the server. Comments and other events without a
// token do not extend the wait for the first token. After that, any byte is a sign of
// life.
func (x *Exchange) startSilenceTimer() {
	switch {
	case !x.finishBy.IsZero():
		x.silence.Reset(min(time.Until(x.finishBy), x.server.idle))
	case x.begun:
		x.silence.Reset(x.server.idle)
	default:
		x.silence.Reset(time.Until(x.firstBy))
	}
}

// Refusal returns the provider's refusal in an ending, if the answer has not begun, so
// that the adapter may send another request.
func (x *Exchange) Refusal(e Ending) error {
	switch {
	case x.begun || x.parent.Err() != nil:
		return nil
	case len(e.ErrorEvent) > 0:
		return x.server.explainErrorEvent(x.header, e.ErrorEvent)
	default:
		return e.Err
	}
}

// End returns the error that the run must return: nil if the answer is complete,
// otherwise an error as the contract of [agent.Agent] demands.
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
	failure.Emitted = x.emitted
	return failure
}

func (x *Exchange) failure(e Ending) *agent.Error {
	s := x.server
	var explained *agent.Error
	finish := e.finish()
	switch cause := context.Cause(x.ctx); {
	case len(e.ErrorEvent) > 0 && (finish == "" || finish == finishUnknown):
		return s.explainErrorEvent(x.header, e.ErrorEvent)
	case finish != "":
		// The answer has ended: later errors of the connection do not matter.
		return s.checkFinish(finish, e, x.emittedText)
	case cause != nil:
		return s.timedOut(cause, x.begun)
	case errors.As(e.Err, &explained):
		return explained
	case x.sendErr != nil:
		return s.unreachable(x.sendErr)
	case errors.Is(x.readErr, errTooLarge):
		return s.tooLarge(x.readErr)
	case x.readErr != nil:
		return s.brokenOff(x.emitted, x.readErr)
	case errors.Is(e.Err, errTooLarge):
		return s.tooLarge(e.Err)
	case e.Err != nil:
		return s.malformed(e.Err)
	case !e.Known && x.read > 0:
		return s.notTheAPI(http.StatusOK, errors.New("the response holds no event of this API"))
	default:
		return s.brokenOff(x.emitted,
			fmt.Errorf("the stream ended after %d bytes without a finish reason", x.read))
	}
}
