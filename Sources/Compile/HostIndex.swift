/// Values under host names and wildcards, with the look-up of the most specific entry that covers a name: the exact one, else
/// the longest wildcard, `*` last. A look-up costs one hash for each distinct length of a wildcard.
struct HostIndex<Value> {
    private var exact: [String: Value] = [:]
    private var suffixes: [String: Value] = [:]
    /// Lengths of the wildcards' suffixes, longest first.
    private var lengths: [Int] = []

    /// The value under exactly this name or pattern.
    subscript(pattern: String) -> Value? {
        get { HostName.isWildcard(pattern) ? suffixes[String(pattern.dropFirst())] : exact[pattern] }
        set {
            guard HostName.isWildcard(pattern) else {
                exact[pattern] = newValue
                return
            }
            let suffix = String(pattern.dropFirst())
            suffixes[suffix] = newValue
            let length = suffix.utf8.count
            if !lengths.contains(length) {
                lengths.append(length)
                lengths.sort(by: >)
            }
        }
    }

    /// The value under exactly this name or pattern, made if it is not there yet.
    subscript(pattern: String, default value: @autoclosure () -> Value) -> Value {
        get { self[pattern] ?? value() }
        set { self[pattern] = newValue }
    }

    /// The most specific entry that covers `name` (itself possibly a wildcard), with its pattern.
    func mostSpecific(for name: String) -> (pattern: String, value: Value)? {
        if HostName.isWildcard(name) {
            let suffix = String(name.dropFirst())
            return longest(in: suffix)
        }
        if let value = exact[name] { return (name, value) }
        return longest(in: name)
    }

    /// Every wildcard that covers `name`, longest first.
    func wildcards(covering name: String) -> [Value] {
        let utf8 = name.utf8
        return lengths.compactMap { length in
            guard length <= utf8.count else { return nil }
            return suffixes[String(name[utf8.index(utf8.endIndex, offsetBy: -length)...])]
        }
    }

    private func longest(in name: String) -> (pattern: String, value: Value)? {
        let utf8 = name.utf8
        for length in lengths where length <= utf8.count {
            let suffix = String(name[utf8.index(utf8.endIndex, offsetBy: -length)...])
            if let value = suffixes[suffix] { return ("*" + suffix, value) }
        }
        return nil
    }
}
