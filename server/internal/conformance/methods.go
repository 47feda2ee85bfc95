package conformance

import (
	"slices"
)

// method is a method of the page that needs a client to be authenticated.
type method struct {
	name  string
	least string // role
	added bool   // an addition to v3, which gateways may lack
	// session gives valid params for a session and a run of it; nil: the method is not
	// about a session that must belong to the caller.
	session func(key, run string) object
}

func bySessionKey(key, _ string) object { return object{"sessionKey": key} }

func byKey(key, _ string) object { return object{"key": key} }

// bySessionKeyAnd adds a param that a method needs beside the session's key.
func bySessionKeyAnd(param string, value any) func(key, run string) object {
	return func(key, _ string) object { return object{"sessionKey": key, param: value} }
}

func byRun(key, run string) object { return object{"sessionKey": key, "runId": run} }

// methods are all methods for authenticated clients. A row can call them in this order: a
// session that a method needs is not deleted before.
func methods() []method {
	return []method{
		{name: "health", least: "viewer"},
		{name: "status", least: "viewer"},
		{name: "agents.list", least: "viewer"},
		{name: "sessions.list", least: "viewer"},
		{name: "tenants.mine", least: "viewer"},
		{name: "teams.tasks.active-by-session", least: "viewer"},
		{name: "quota.usage", least: "viewer"},
		{name: "cron.list", least: "viewer"},
		{name: "channels.status", least: "viewer"},
		{name: "sessions.preview", least: "viewer", session: bySessionKey},
		{name: "chat.history", least: "viewer", session: bySessionKey},
		{name: "chat.session.status", least: "viewer", session: bySessionKey},
		{name: "chat.replay", least: "viewer", added: true,
			session: bySessionKeyAnd("afterSeq", 0)},

		{name: "chat.send", least: "operator", session: bySessionKeyAnd("message", "echo x")},
		{name: "chat.inject", least: "operator", session: bySessionKeyAnd("message", "x")},
		{name: "chat.abort", least: "operator", session: bySessionKey},
		{name: "sessions.patch", least: "operator", session: bySessionKeyAnd("label", "x")},
		{name: "sessions.reset", least: "operator", session: byKey},
		{name: "sessions.delete", least: "operator", session: byKey},
		{name: "chat.retry", least: "operator", added: true, session: byRun},

		{name: "device.pair.list", least: "admin"},
		{name: "device.pair.approve", least: "admin"},
		{name: "device.pair.deny", least: "admin"},
		{name: "device.pair.revoke", least: "admin"},
		{name: "chat.watch", least: "admin", added: true},
		{name: "chat.unwatch", least: "admin", added: true},
		{name: "api_keys.create", least: "admin", added: true},
		{name: "api_keys.list", least: "admin", added: true},
		{name: "api_keys.revoke", least: "admin", added: true},
		{name: "clients.list", least: "admin", added: true},
		{name: "clients.disconnect", least: "admin", added: true},
		{name: "audit.list", least: "admin", added: true},
		{name: "config.reload", least: "admin", added: true},
	}
}

// isAddition reports whether the page adds the method to v3.
func isAddition(name string) bool {
	return slices.ContainsFunc(methods(), func(m method) bool { return m.name == name && m.added })
}

// sessionCalls gives params for the methods about a session. A key is the method's name; a
// method with several calls has a suffix after a space.
func sessionCalls(key, run string) map[string]object {
	calls := map[string]object{"chat.abort by run": {"runId": run},
		"chat.abort by both": byRun(key, run)}
	for _, m := range methods() {
		if m.session != nil {
			calls[m.name] = m.session(key, run)
		}
	}
	return calls
}

// leastRoles checks that a viewer and an operator may call the methods of their role, on a
// session of their user, and are refused those of the next role.
func leastRoles(v *visit) {
	user := v.name("user")
	operator, viewer := v.pair("operator", user).connect(v), v.pair("viewer", user).connect(v)
	key := operator.newSession("begin")
	for _, m := range methods() {
		var params object
		if m.session != nil {
			params = m.session(key, "run-none")
		}
		denied := "permission denied: " + m.name + " requires " + m.least
		switch m.least {
		case "viewer":
			viewer.call(m.name, params)
		case "operator":
			viewer.refused("UNAUTHORIZED", denied, m.name, params)
			if m.name != "chat.retry" { // there is no run to retry
				operator.call(m.name, params)
			}
		default:
			operator.refused("UNAUTHORIZED", denied, m.name, params)
		}
	}
}
