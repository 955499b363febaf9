/// A value that is large and seldom there, or seldom looked at, behind a reference: what holds it is copied ten thousand times
/// while a configuration is compiled.
@propertyWrapper
package struct Boxed<Value: Hashable & Sendable>: Hashable, Sendable {
    private enum Storage: Hashable, Sendable {
        case absent
        indirect case present(Value)
    }

    private var storage: Storage

    package init(wrappedValue: Value?) { storage = wrappedValue.map(Storage.present) ?? Storage.absent }

    package var wrappedValue: Value? {
        get {
            switch storage {
            case .absent: nil
            case .present(let value): value
            }
        }
        set { storage = newValue.map(Storage.present) ?? Storage.absent }
    }
}
