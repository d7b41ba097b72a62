//! One body, three instruction sets, the same bits.
//!
//! A [`Task`] is written once as plain loops with explicit `mul_add`. [`run`] compiles it for the baseline, for AVX2 with
//! FMA and for AVX-512, and picks at run time. Rust neither contracts nor reassociates floating-point arithmetic, and
//! `mul_add` is correctly rounded everywhere (in software where the machine has none: about 20 times slower), so the
//! choice cannot change a bit; the unit test below compares all that this machine has.
//!
//! This is the only module with `unsafe`: calling a function compiled for an instruction set is sound exactly when the
//! machine has that set, which the line before each call has checked.
#![allow(unsafe_code)]

/// Work whose whole call tree is inlined into the entry that `run` chooses.
pub(crate) trait Task {
    type Output;
    /// The body: `#[inline(always)]`, and only such functions below it on the hot path.
    fn run(self) -> Self::Output;
}

/// Runs a task with the widest instruction set of this machine.
#[inline]
pub(crate) fn run<T: Task>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if wide512::available() {
            // SAFETY: the machine has the instruction set, checked on the line before.
            return unsafe { wide512::run(task) };
        }
        if wide256::available() {
            // SAFETY: the machine has the instruction set, checked on the line before.
            return unsafe { wide256::run(task) };
        }
    }
    task.run()
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod wide512 {
    use super::Task;

    #[inline]
    pub(crate) fn available() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("fma")
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
    pub(crate) fn run<T: Task>(task: T) -> T::Output {
        task.run()
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod wide256 {
    use super::Task;

    #[inline]
    pub(crate) fn available() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn run<T: Task>(task: T) -> T::Output {
        task.run()
    }
}

/// True when fused multiply-add runs in hardware here; without it every result is the same and some 20 times slower.
#[must_use]
pub fn has_hardware_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        cfg!(target_arch = "aarch64")
    }
}

/// The results of every instruction set that this machine has.
#[cfg(test)]
pub(crate) fn run_on_each<T: Task>(task: impl Fn() -> T) -> Vec<(&'static str, T::Output)> {
    let mut results = vec![("baseline", task().run())];
    #[cfg(target_arch = "x86_64")]
    {
        if wide256::available() {
            // SAFETY: the machine has the instruction set, checked on the line before.
            results.push(("avx2+fma", unsafe { wide256::run(task()) }));
        }
        if wide512::available() {
            // SAFETY: the machine has the instruction set, checked on the line before.
            results.push(("avx512", unsafe { wide512::run(task()) }));
        }
    }
    results
}
