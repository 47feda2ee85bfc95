package protocol

// Empty is the params of methods that need none, and the payload of empty results.
type Empty struct{}

// Agent describes an agent that users can chat with.
type Agent struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Provider    string `json:"provider"`
	Model       string `json:"model,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// AgentsListResult answers agents.list.
type AgentsListResult struct {
	Agents []Agent `json:"agents"`
}

// HealthResult answers health. Only admins get Clients.
type HealthResult struct {
	Status   string            `json:"status"`
	Protocol int64             `json:"protocol"`
	UptimeMs int64             `json:"uptimeMs"`
	Server   Server            `json:"server"`
	Clients  []ConnectedClient `json:"clients,omitempty"`
}

// ConnectedClient is one live connection.
type ConnectedClient struct {
	ID          string `json:"id"`
	UserID      string `json:"userId"`
	Role        Role   `json:"role"`
	DeviceID    string `json:"deviceId,omitempty"`
	Address     string `json:"address"`
	UserAgent   string `json:"userAgent,omitempty"`
	Client      string `json:"client,omitempty"` // name and version from connect
	Via         string `json:"via,omitempty"`    // token, key:PREFIX or device:ID
	ConnectedAt Time   `json:"connectedAt"`
	ActiveAt    Time   `json:"activeAt,omitempty"` // time of its last request
}

// StatusResult answers status: the gateway at a glance. Only admins get Detail.
type StatusResult struct {
	Server      Server        `json:"server"`
	Protocol    int64         `json:"protocol"`
	UptimeMs    int64         `json:"uptimeMs"`
	Connections int64         `json:"connections"`
	RunningRuns int64         `json:"runningRuns"`
	Agents      []AgentStatus `json:"agents"`
	AgentTotal  int64         `json:"agentTotal"`
	Clients     int64         `json:"clients"`  // Connections, for v3
	Sessions    int64         `json:"sessions"` // that the caller may list, as in sessions.list
	Store       string        `json:"store"`
	Detail      *StatusDetail `json:"detail,omitempty"`
}

// AgentStatus is an agent as status lists it.
type AgentStatus struct {
	ID        string `json:"id"`
	Model     string `json:"model"`
	IsRunning bool   `json:"isRunning"` // it is writing an answer
}

// StatusDetail is what only admins may know about the gateway. It names no files but the
// configuration file, and no folders.
type StatusDetail struct {
	StartedAt    Time        `json:"startedAt"`
	ReloadedAt   Time        `json:"reloadedAt,omitempty"` // last successful reload
	ConfigFile   string      `json:"configFile,omitempty"` // absent: none
	Platform     string      `json:"platform"`
	TLS          string      `json:"tls"` // off, files or acme
	MemoryBytes  int64       `json:"memoryBytes"`
	Goroutines   int64       `json:"goroutines"`
	Strangers    int64       `json:"strangers"` // connections that are not authenticated yet
	Data         StoreDetail `json:"data"`
	Settings     []Setting   `json:"settings"`               // active values of the keys that a reload can change
	NeedsRestart []string    `json:"needsRestart,omitempty"` // keys whose changes need a restart
}

// StoreDetail describes the store. Its numbers are 0 if the store does not know them.
type StoreDetail struct {
	Kind        string `json:"kind"`
	Bytes       int64  `json:"bytes"`    // size of the database
	FreeBytes   int64  `json:"free"`     // part of Bytes that is not in use
	LogBytes    int64  `json:"logBytes"` // size of the write-ahead log
	Version     int64  `json:"version"`  // version of the schema
	Sessions    int64  `json:"sessions"`
	QueuedRuns  int64  `json:"queuedRuns"`
	RunningRuns int64  `json:"runningRuns"`
	Devices     int64  `json:"devices"` // paired devices
	AuditLines  int64  `json:"auditLines"`
}

// Setting is a key of the configuration and its value, as written in a config file.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Tick is sent regularly to show that a connection is alive. Sessions has the last seq of
// each session that the connection follows, by session key.
type Tick struct {
	Sessions map[string]int64 `json:"sessions,omitempty"`
}

// Shutdown announces that the gateway is stopping. Clients reconnect after RetryAfterMs.
type Shutdown struct {
	RetryAfterMs int64 `json:"retryAfterMs,omitempty"`
}
