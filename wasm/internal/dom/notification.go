//go:build js

package dom

// NotificationState says whether the page may show notifications: a markup.Notices…
// value.
func (*Browser) NotificationState() string { return text(notificationState()) }

// RequestNotifications asks the user to allow notifications.
func (*Browser) RequestNotifications(done func()) {
	requestNotifications(calls.add(call{done: func(int, string) { done() }}))
}

// Notify shows a notification that leads to a path, if it may and the user does not look
// at the page. Notifications of several tabs for the same path are shown as one.
func (*Browser) Notify(title, path string) { notify(title, path) }

//go:wasmimport gatehouse page_notification_state
func notificationState() int32

//go:wasmimport gatehouse page_request_notifications
func requestNotifications(id int32)

//go:wasmimport gatehouse page_notify
func notify(title, path string)
