/// A text that must not be shown: every description and dump of it says only that it is there.
package struct SecretText: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// nil: it was not base64.
    package var text: String?

    package init(_ text: String?) { self.text = text }

    package var description: String { "(secret)" }
    package var customMirror: Swift.Mirror { Swift.Mirror(self, children: EmptyCollection<Swift.Mirror.Child>()) }
}

/// `v1` Secret: certificates and keys that resources name.
package struct Secret: Hashable, Sendable {
    package var metadata: Metadata
    package var type = ""
    /// `data`, decoded from base64, and over it `stringData`.
    package var values: [String: SecretText] = [:]

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }

    /// The first of these keys that has a value.
    package func value(_ keys: String...) -> (key: String, text: String)? {
        for key in keys {
            if let text = values[key]?.text, !text.isEmpty { return (key, text) }
        }
        return nil
    }
}

/// `v1` ConfigMap, which `configmap://NAME` names as the source of authorities.
package struct ConfigMap: Hashable, Sendable {
    package var metadata: Metadata
    package var data: [String: String] = [:]

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}
