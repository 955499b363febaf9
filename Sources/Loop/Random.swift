import CEventLoop

/// Randomness from the kernel.
package enum Random {
    /// 64 bits that nobody can guess. A system call: for seeds and keys.
    package static func seed() -> UInt64 {
        var value: UInt64 = 0
        let error = withUnsafeMutableBytes(of: &value) { outrider_random($0.baseAddress, $0.count) }
        precondition(error == 0, "the kernel has no random numbers")
        return value
    }
}

/// A worker's own stream of draws (xoshiro256**, by Blackman and Vigna): fast, even, and guessable, so for balancing and
/// identifiers, never for keys.
package struct RandomSource: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A stream that differs in every process and worker.
    package init() { self.init(seed: Random.seed()) }

    /// The stream of a seed, always the same: for tests and the simulator.
    package init(seed: UInt64) {
        // SplitMix64 spreads the seed, so that no state is all zeros.
        var mix = seed
        func draw() -> UInt64 {
            mix &+= 0x9E37_79B9_7F4A_7C15
            var value = mix
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
        state = (draw(), draw(), draw(), draw())
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}
