package gateway

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Method is a row of the method table as others see it.
type Method struct {
	Name string
	// Least is the role that the method needs; empty for those that a client may
	// call before it is authenticated.
	Least protocol.Role
	Does  string // in one line
	// Session reports whether the method is about one session: a caller who is not an
	// admin is refused with FORBIDDEN when the session is somebody else's.
	Session bool

	params reflect.Type // nil: the method has none, or decodes them itself
	handle func(*call) (protocol.Payload, error)
}

// row is one method: all that the gateway needs to know of it. D is a pointer to
// its params. V is what prepare makes of them: what the call is about.
//
// A call is prepared, then audited, then executed. The audit log and execute use the
// same value, so that what is audited is what is done.
type row[D protocol.Payload, V any] struct {
	name  string
	least protocol.Role
	does  string

	// prepare checks the params and looks up what the call is about. It changes nothing.
	// If it refuses, the call is audited as failed, so prepare fills in as much of the
	// value as it can.
	prepare func(*call, D) (V, error)
	// session gives the key of the session that the call is about; nil if the method
	// is about none. execute finds its session in call.session, and session.Service
	// checks the owner of what it is given there.
	session func(V) string
	// own gives the call's own param, for a method that changes a session; nil for any
	// other method.
	own func(V) bool

	// action names a call in the audit log; empty if calls are not audited. A method
	// about a session is audited when the session is another user's. Any other method
	// with an action needs describe: it gives the target and details of the act, or nil
	// for a call that is not audited.
	action   string
	describe func(*call, V) *audit.Act
	also     func(*call, V) ([]audit.Act, error) // further acts of a call; may be nil
	reads    bool                                // a read: audited once in ten minutes, not each time

	// changes is the admin page (Topic…) to refresh after the method succeeds, or empty.
	changes string

	// costly reports whether a call may take long, so that the client's next calls must
	// not wait for it. nil: no call does.
	costly func(*call, V) bool

	// execute does the call and gives its answer, or the value later if it answers by
	// itself.
	execute func(*call, V) (protocol.Payload, error)
}

// plain is a row whose params are all that a call is about.
type plain[D protocol.Payload] = row[D, D]

// method makes a row of the table. Absent or null params are {}.
func method[P any, D interface {
	*P
	protocol.Payload
}, V any](r row[D, V]) Method {
	return Method{
		Name: r.name, Least: r.least, Does: r.does, Session: r.session != nil,
		params: reflect.TypeFor[P](),
		handle: func(c *call) (protocol.Payload, error) {
			var p P
			if err := c.decode(D(&p)); err != nil {
				return nil, err
			}
			return r.serve(c, &p)
		},
	}
}

// serve prepares a call, audits it, and executes it.
func (r row[D, V]) serve(c *call, params D) (payload protocol.Payload, err error) {
	value, refused := r.prepare(c, params)
	if r.session != nil {
		c.session = r.caller(c, value).To(r.session(value))
	}
	acts, err := r.acts(c, value)
	if err != nil {
		return nil, err
	}
	ended, err := c.audit(acts, r.reads)
	if err != nil {
		return nil, err
	}
	if refused != nil {
		ended(refused)
		return nil, refused
	}
	execute := func() (payload protocol.Payload, err error) {
		err = errPanic // unless execute returns
		defer func() {
			ended(err)
			if r.own != nil {
				c.reportForeign(err)
			}
			if err == nil && r.changes != "" {
				c.g.Hub.NotifyAdmins(r.changes)
			}
		}()
		return r.execute(c, value)
	}
	if r.costly == nil || !r.costly(c, value) {
		return execute()
	}
	c.runApart(execute)
	return later, nil
}

// caller is the client as the call's session sees it.
func (r row[D, V]) caller(c *call, value V) session.Caller {
	caller := c.caller()
	caller.Own = r.own != nil && (c.own || r.own(value))
	return caller
}

// acts are the acts of a call for the audit log.
func (r row[D, V]) acts(c *call, value V) (acts []audit.Act, err error) {
	if r.action == "" {
		return nil, nil
	}
	var act *audit.Act
	if r.session == nil {
		act = r.describe(c, value)
	} else if act, err = c.inOthersSession(c.session.Key()); err != nil {
		return nil, err
	}
	if act != nil {
		act.Action = r.action
		acts = append(acts, *act)
	}
	if r.also == nil {
		return acts, nil
	}
	more, err := r.also(c, value)
	return append(acts, more...), err
}

// noParams prepares a call without params.
func noParams(_ *call, none *protocol.Empty) (*protocol.Empty, error) { return none, nil }

// checked prepares params that need to be checked only.
func checked[D any](check func(D) error) func(*call, D) (D, error) {
	return func(_ *call, params D) (D, error) { return params, check(params) }
}

// beforeAuthenticated makes a row for a method that a client may call before it is
// authenticated. handle limits, decodes and answers the call by itself.
func beforeAuthenticated(name, does string, handle func(*call)) Method {
	return Method{Name: name, Does: does, handle: func(c *call) (protocol.Payload, error) {
		handle(c)
		return later, nil
	}}
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
	if !known {
		c.g.Access.Violation(c.Peer.Address, metrics.UnknownMethod)
	}
	if c.who == nil {
		// connect and browser.pairing.status count against limits of their own.
		allowed := known && (m.Name == protocol.MethodConnect ||
			m.Name == protocol.MethodPairingStatus && c.pairingSecret != "")
		if !allowed {
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
		c.fail(protocol.Refuse(protocol.Unauthorized,
			"permission denied: "+name+" requires "+string(m.Least)))
		return
	}
	c.answerWith(func() (protocol.Payload, error) { return m.handle(c) })
}
