/// What a look at the bytes of a head found.
package enum HeadResult: Equatable, Sendable {
    /// The head has no end yet, and nothing in it is wrong so far: call again with more bytes.
    case partial
    /// The head is whole. `consumed` bytes belong to it (leading empty lines included), the body is framed by `framing`, and
    /// the peer lets the connection live on when `persists`.
    case complete(consumed: Int, framing: BodyFraming, persists: Bool)
    /// The bytes are no head that may be acted upon. The connection cannot be used any more.
    case failure(HeadFault)
}
