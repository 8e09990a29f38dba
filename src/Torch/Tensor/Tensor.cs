using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>An n-dimensional array of libtorch's.</summary>
    /// <remarks>
    /// It holds one reference to the native tensor and gives it back when it is disposed: by its dispose scope, by hand, or, as the safety
    /// net, by the finalizer.
    /// </remarks>
    public partial class Tensor : IDisposable
    {
        internal IntPtr handle;
        internal Tensor? NextInScope, PreviousInScope;
        private static long _totalCount, _peakCount;

        internal Tensor(IntPtr handle, bool register = true)
        {
            this.handle = handle;
            if (handle == IntPtr.Zero)
            {
                GC.SuppressFinalize(this);
                return;
            }
            var total = Interlocked.Increment(ref _totalCount);
            if (total > _peakCount) _peakCount = total;
            if (register) DisposeScopeManager.ThreadSingleton.Register(this);
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>Takes over a native tensor that this provider's bridge handed out.</summary>
        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        public string? name { get; set; }

        public bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>Tensors that hold a native tensor now, in all threads.</summary>
        public static long TotalCount => Interlocked.Read(ref _totalCount);

        public static long PeakCount => Interlocked.Read(ref _peakCount);

        public IntPtr Handle => handle != IntPtr.Zero ? handle : throw new InvalidOperationException("This tensor has been disposed, or its value was handed on.");

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle == IntPtr.Zero) return;
            if (disposing) DisposeScopeManager.ThreadSingleton.Disposing(this);
            OwningDisposeScope?.Unlink(this);
            Interlocked.Decrement(ref _totalCount);
            NativeMethods.tessera_tensor_release(handle);
            handle = IntPtr.Zero;
        }

        /// <summary>Gives up the native tensor without releasing it: whoever receives the handle owns it.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            GC.SuppressFinalize(this);
            if (handle == IntPtr.Zero) return handle;
            DisposeScopeManager.ThreadSingleton.Disposing(this);
            OwningDisposeScope?.Unlink(this);
            Interlocked.Decrement(ref _totalCount);
            var released = handle;
            handle = IntPtr.Zero;
            return released;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is null) other?.Attach(this);
            else OwningDisposeScope.MoveToOther(other, this);
            return this;
        }

        public override bool Equals(object? obj) => obj is Tensor tensor && Equals(tensor);

        public bool Equals(Tensor target) => target is not null && target.dtype == dtype && Op.equal.CallBool(this, target);

        /// <summary>Shape, type and device, then the values, long dimensions shortened.</summary>
        public override string ToString() =>
            IsInvalid ? "[disposed]" : $"{TensorPrinting.Metadata(this)} {TensorPrinting.Values(this, null, Environment.NewLine, System.Globalization.CultureInfo.InvariantCulture)}";

        public override int GetHashCode() => base.GetHashCode();
    }
}
