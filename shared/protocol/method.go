package protocol

// Method names.
const (
	MethodConnect           = "connect"
	MethodPairingStatus     = "browser.pairing.status"
	MethodDeviceList        = "device.pair.list"
	MethodDeviceApprove     = "device.pair.approve"
	MethodDeviceDeny        = "device.pair.deny"
	MethodDeviceRevoke      = "device.pair.revoke"
	MethodChatSend          = "chat.send"
	MethodChatHistory       = "chat.history"
	MethodChatInject        = "chat.inject"
	MethodChatAbort         = "chat.abort"
	MethodChatStatus        = "chat.session.status"
	MethodChatRetry         = "chat.retry"
	MethodChatReplay        = "chat.replay"
	MethodChatWatch         = "chat.watch"
	MethodChatUnwatch       = "chat.unwatch"
	MethodSessionsList      = "sessions.list"
	MethodSessionsPreview   = "sessions.preview"
	MethodSessionsPatch     = "sessions.patch"
	MethodSessionsDelete    = "sessions.delete"
	MethodSessionsReset     = "sessions.reset"
	MethodAgentsList        = "agents.list"
	MethodHealth            = "health"
	MethodStatus            = "status"
	MethodKeysCreate        = "api_keys.create"
	MethodKeysList          = "api_keys.list"
	MethodKeysRevoke        = "api_keys.revoke"
	MethodClientsList       = "clients.list"
	MethodClientsDisconnect = "clients.disconnect"
	MethodAuditList         = "audit.list"
	MethodConfigReload      = "config.reload"

	// Methods of v3 for what there is none of here.
	MethodTenantsMine    = "tenants.mine"
	MethodTeamTasks      = "teams.tasks.active-by-session"
	MethodQuotaUsage     = "quota.usage"
	MethodCronList       = "cron.list"
	MethodChannelsStatus = "channels.status"
)

// Event names.
const (
	EventAgent           = "agent"
	EventChat            = "chat"
	EventSessionUpdated  = "session.updated"
	EventDeviceRequested = "device.pair.requested"
	EventDeviceResolved  = "device.pair.resolved"
	EventTick            = "tick"
	EventShutdown        = "shutdown"
	EventAdminChanged    = "admin.changed"
)

// Types of agent events.
const (
	RunStarted    = "run.started"
	RunActivity   = "activity"
	RunThinking   = "thinking"
	RunChunk      = "chunk"
	RunToolCall   = "tool.call"
	RunToolResult = "tool.result"
	RunCompleted  = "run.completed"
	RunFailed     = "run.failed"
	RunCancelled  = "run.cancelled"
)

// Phases of a run's activity that the gateway itself reports. Agents add others.
const (
	PhaseAnswering = "answering" // the answer has text
	PhaseRetrying  = "retrying"  // the agent failed before its first text and is asked again
)

// Reasons why a run waits before it asks the agent again.
const (
	WaitRateLimit = "rate_limit"  // the provider's rate limit is reached
	WaitServer    = "unavailable" // the model server cannot be reached or is overloaded
)

// Finish is why an answer ended.
type Finish string

// The values of Finish. After all but FinishStop, the answer stops early.
const (
	FinishStop   Finish = "stop"   // the answer is complete
	FinishLength Finish = "length" // the model's length limit was reached
	FinishFilter Finish = "filter" // the provider's content filter stopped it
)

// ChatMessage is the type of a chat event's payload.
const ChatMessage = "message"

// ChannelWS is the channel of all messages that come in over the WebSocket.
const ChannelWS = "ws"

// ChannelBrowser is the channel of devices, as v3 names it.
const ChannelBrowser = "browser"

// CapHTML is the client capability that asks for formatted text.
const CapHTML = "html"

// AckAccepted makes chat.send answer as soon as the message is durable.
const AckAccepted = "accepted"

// Role says what a caller may do. Each role includes the rights of the one before it.
type Role string

// The roles, least first.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// Valid reports whether r is one of the three roles.
func (r Role) Valid() bool { return r.rank() > 0 }

// Allows reports whether r includes the rights of the role least. It is false if either
// role is unknown.
func (r Role) Allows(least Role) bool { return least.rank() > 0 && r.rank() >= least.rank() }

// MessageRole says who wrote a message.
type MessageRole string

// The authors of messages.
const (
	FromUser      MessageRole = "user"
	FromAssistant MessageRole = "assistant"
	FromSystem    MessageRole = "system"
)

// MessageStatus is the state of a message.
type MessageStatus string

// The statuses. A user's message is queued, then complete, or withdrawn if it was taken
// back before its run began. An answer is streaming, then complete, aborted or failed.
const (
	StatusQueued    MessageStatus = "queued"
	StatusStreaming MessageStatus = "streaming"
	StatusComplete  MessageStatus = "complete"
	StatusAborted   MessageStatus = "aborted"
	StatusFailed    MessageStatus = "failed"
	StatusWithdrawn MessageStatus = "withdrawn"
)

// Ended reports whether the message's run will not change the message any more.
func (s MessageStatus) Ended() bool {
	return s == StatusComplete || s == StatusAborted || s == StatusFailed || s == StatusWithdrawn
}

// Pairing statuses.
const (
	PairingPending  = "pending"
	PairingApproved = "approved"
	PairingDenied   = "denied"
	PairingExpired  = "expired"
	PairingRevoked  = "revoked"
	PairingUnknown  = "unknown"
	PairingNoCookie = "no_cookie" // a page whose cookie did not come: see ConnectParams.Cookie

	// StatusPendingPairing is connect's status while a pairing is pending.
	StatusPendingPairing = "pending_pairing"
)

// Values of ChatSendResult.Status. Without ack "accepted", only SendAborted occurs.
const (
	SendAccepted  = "accepted"
	SendQueued    = "queued"
	SendDuplicate = "duplicate"
	SendAborted   = "aborted"
)
