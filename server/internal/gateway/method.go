package gateway

import (
	"cmp"
	"reflect"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Method is a row of the method table.
type Method struct {
	Name string
	// Least is the role that the method needs; empty for those that a client may
	// call before it is authenticated.
	Least protocol.Role
	// Session tells that the method is about one session: it is refused with
	// FORBIDDEN for somebody else's, unless the caller is an admin.
	Session bool
	// What it does, in a line.
	What string

	handler
}

// handler is the work of a method.
type handler struct {
	run    func(*call)
	params reflect.Type // of what run decodes; nil: it takes none, or reads them itself
}

// methods is the method table, in the order of the protocol page.
var methods = []Method{
	{protocol.MethodConnect, "", false, "authenticate, or ask for pairing", handler{run: (*call).connect}},
	{protocol.MethodPairingStatus, "", false, "how the caller's own pairing stands", handler{run: (*call).pairingStatus}},

	{protocol.MethodChatSend, protocol.Operator, true, "send a message and start a run", withParams((*call).chatSend)},
	{protocol.MethodChatRetry, protocol.Operator, true, "answer a message once more, whose run failed or was stopped", withParams((*call).chatRetry)},
	{protocol.MethodChatHistory, protocol.Viewer, true, "a page of a session's transcript", withParams((*call).chatHistory)},
	{protocol.MethodChatInject, protocol.Operator, true, "add to a transcript without a run", withParams((*call).chatInject)},
	{protocol.MethodChatAbort, protocol.Operator, true, "stop a run, or take back a queued one", withParams((*call).chatAbort)},
	{protocol.MethodChatStatus, protocol.Viewer, true, "what a session is doing", withParams((*call).chatStatus)},
	{protocol.MethodChatReplay, protocol.Viewer, true, "a session's events after a seq", withParams((*call).chatReplay)},
	{protocol.MethodChatWatch, protocol.Admin, false, "follow a session of any user", withParams((*call).chatWatch)},
	{protocol.MethodChatUnwatch, protocol.Admin, false, "end that", withParams((*call).chatUnwatch)},

	{protocol.MethodSessionsList, protocol.Viewer, false, "the caller's sessions", withParams((*call).sessionsList)},
	{protocol.MethodSessionsPrev, protocol.Viewer, true, "one session and its last messages", withParams((*call).sessionsPreview)},
	{protocol.MethodSessionsPatch, protocol.Operator, true, "rename or pin a session", withParams((*call).sessionsPatch)},
	{protocol.MethodSessionsDel, protocol.Operator, true, "delete a session and its log", withParams((*call).sessionsDelete)},
	{protocol.MethodSessionsReset, protocol.Operator, true, "empty a session's log", withParams((*call).sessionsReset)},

	{protocol.MethodAgentsList, protocol.Viewer, false, "the agents to chat with", withParams((*call).agentsList)},
	{protocol.MethodHealth, protocol.Viewer, false, "whether the gateway is well; connections, for admins", withParams((*call).health)},
	{protocol.MethodStatus, protocol.Viewer, false, "the gateway at a glance", withParams((*call).status)},

	{protocol.MethodDeviceList, protocol.Admin, false, "pairings that wait and paired devices", withParams((*call).deviceList)},
	{protocol.MethodDeviceApprove, protocol.Admin, false, "let a waiting device in", withParams((*call).deviceApprove)},
	{protocol.MethodDeviceDeny, protocol.Admin, false, "refuse a waiting device", withParams((*call).deviceDeny)},
	{protocol.MethodDeviceRevoke, protocol.Admin, false, "end a device's access", withParams((*call).deviceRevoke)},

	{protocol.MethodKeysCreate, protocol.Admin, false, "make an API key for a user; it is told this once", withParams((*call).keysCreate)},
	{protocol.MethodKeysList, protocol.Admin, false, "the API keys, without what is secret", withParams((*call).keysList)},
	{protocol.MethodKeysRevoke, protocol.Admin, false, "end an API key and close its connections", withParams((*call).keysRevoke)},

	{protocol.MethodClientsList, protocol.Admin, false, "the live connections", withParams((*call).clientsList)},
	{protocol.MethodClientsDrop, protocol.Admin, false, "close a live connection", withParams((*call).clientsDisconnect)},
	{protocol.MethodAuditList, protocol.Admin, false, "who did what, when, from where", withParams((*call).auditList)},
	{protocol.MethodConfigReload, protocol.Admin, false, "read the configuration again and apply what needs no restart", withParams((*call).configReload)},
}

// Methods gives a copy of the method table.
func Methods() []Method { return slices.Clone(methods) }

func methodNamed(name string) (Method, bool) {
	i := slices.IndexFunc(methods, func(m Method) bool { return m.Name == name })
	if i < 0 {
		return Method{}, false
	}
	return methods[i], true
}

// dispatch checks that the client may call the method, and calls it.
func (c *call) dispatch(name string) {
	m, known := methodNamed(name)
	if c.named = m.Name; !known {
		c.g.Access.Violation(c.Peer.Address, metrics.UnknownMethod)
	}
	if c.who == nil {
		// connect and pairing polls keep their own accounts.
		first := known && (m.Name == protocol.MethodConnect || m.Name == protocol.MethodPairingStatus && c.pairingSecret != "")
		if !first {
			c.fail(cmp.Or[error](c.g.Access.AllowCall(c.Peer.Address),
				protocol.Refuse(protocol.Unauthorized, "first request must be 'connect'")))
			return
		}
	}
	switch {
	case c.who != nil && c.who.Expired(protocol.At(time.Now())):
		c.fail(auth.ErrKeyExpired)
		c.conn.Close(protocol.ClosePolicy, protocol.ReasonKeyExpired)
		return
	case !known:
		c.fail(protocol.Refuse(protocol.InvalidRequest, "unknown method: "+shown(name)))
		return
	case m.Least != "" && !c.who.Role.Allows(m.Least):
		c.fail(protocol.Refuse(protocol.Unauthorized, "permission denied: "+name+" requires "+string(m.Least)))
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.g.Log.Error("panic in a method", "method", name, "panic", v, "stack", string(debug.Stack()))
			if c.ended != nil {
				c.ended(errPanic)
			}
			c.fail(errPanic)
		}
	}()
	c.method = m
	m.run(c)
}

// withParams decodes the params for a method. Absent or null params are {}.
func withParams[P any, D interface {
	*P
	protocol.Payload
}](method func(*call, D) (protocol.Payload, error)) handler {
	run := func(c *call) {
		var p P
		if err := c.decode(D(&p)); err != nil {
			c.fail(err)
			return
		}
		if err := c.begin(D(&p)); err != nil {
			c.fail(err)
			return
		}
		payload, err := method(c, &p)
		c.ended(err)
		switch {
		case err != nil:
			c.fail(err)
		case payload != later:
			c.reply(payload)
		}
	}
	return handler{run, reflect.TypeFor[P]()}
}
