using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

[module: SkipLocalsInit]

namespace Tessera.Torch.Interop;

/// <summary>
/// An ATen operator, looked up in libtorch's dispatcher at its first call. Trailing arguments that are left out take
/// the defaults of the operator's schema.
/// </summary>
internal sealed unsafe class Operator(string name, string overload = "")
{
    private const int MostArguments = 24;
    private const int MostResults = 8;

    private IntPtr _handle;

    public override string ToString() => overload.Length == 0 ? name : $"{name}.{overload}";

    /// <summary>Whether the libtorch in use has this operator.</summary>
    internal bool Exists
    {
        get
        {
            if (_handle != IntPtr.Zero) return true;
            fixed (byte* n = Encoding.UTF8.GetBytes(QualifiedName + '\0'), o = Encoding.UTF8.GetBytes(overload + '\0'))
                return NativeMethods.tessera_has_operator(n, o) != 0;
        }
    }

    private string QualifiedName => name.Contains("::", StringComparison.Ordinal) ? name : "aten::" + name;

    private IntPtr Handle => _handle != IntPtr.Zero ? _handle : Find();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private IntPtr Find()
    {
        fixed (byte* n = Encoding.UTF8.GetBytes(QualifiedName + '\0'), o = Encoding.UTF8.GetBytes(overload + '\0'))
            return _handle = Check.Result(NativeMethods.tessera_operator(n, o));
    }

    /// <summary>Calls an operator whose result is one tensor.</summary>
    internal Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return new Tensor(result.Pointer);
    }

    /// <summary>As the general form; operators of tensors alone take a shorter way.</summary>
    internal Tensor Unary(Tensor a)
    {
        var declined = 0;
        var result = NativeMethods.tessera_call_tensors(Handle, a.Handle, IntPtr.Zero, &declined);
        GC.KeepAlive(a);
        if (result != IntPtr.Zero) return new Tensor(result);
        if (declined == 0) Check.Throw();
        return Call((Argument)a);
    }

    internal Tensor Binary(Tensor a, Tensor b)
    {
        var declined = 0;
        var result = NativeMethods.tessera_call_tensors(Handle, a.Handle, b.Handle, &declined);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        if (result != IntPtr.Zero) return new Tensor(result);
        if (declined == 0) Check.Throw();
        return Call((Argument)a, (Argument)b);
    }

    /// <summary>Calls an operator that changes <paramref name="self"/> and returns it.</summary>
    internal Tensor CallInPlace(Tensor self, params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        if (result.Tag == ValueTag.Tensor && result.Pointer != IntPtr.Zero) NativeMethods.tessera_tensor_release(result.Pointer);
        return self;
    }

    /// <summary>Calls an operator that returns nothing of use.</summary>
    internal void CallVoid(params ReadOnlySpan<Argument> arguments)
    {
        var results = stackalloc NativeValue[MostResults];
        var count = Invoke(arguments, results, MostResults);
        for (var i = 0; i < count; i++)
        {
            if (results[i].Tag == ValueTag.Tensor && results[i].Pointer != IntPtr.Zero) NativeMethods.tessera_tensor_release(results[i].Pointer);
            else if (results[i].Tag == ValueTag.TensorList) foreach (var tensor in Tensors(results[i])) tensor.Dispose();
        }
    }

    internal (Tensor, Tensor) Call2(params ReadOnlySpan<Argument> arguments)
    {
        var results = stackalloc NativeValue[2];
        Invoke(arguments, results, 2);
        return (new Tensor(results[0].Pointer), new Tensor(results[1].Pointer));
    }

    internal (Tensor, Tensor, Tensor) Call3(params ReadOnlySpan<Argument> arguments)
    {
        var results = stackalloc NativeValue[3];
        Invoke(arguments, results, 3);
        return (new Tensor(results[0].Pointer), new Tensor(results[1].Pointer), new Tensor(results[2].Pointer));
    }

    internal (Tensor, Tensor, Tensor, Tensor) Call4(params ReadOnlySpan<Argument> arguments)
    {
        var results = stackalloc NativeValue[4];
        Invoke(arguments, results, 4);
        return (new Tensor(results[0].Pointer), new Tensor(results[1].Pointer), new Tensor(results[2].Pointer), new Tensor(results[3].Pointer));
    }

    internal Tensor[] CallList(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return Tensors(result);
    }

    internal long CallLong(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return result.Integer;
    }

    internal bool CallBool(params ReadOnlySpan<Argument> arguments) => CallLong(arguments) != 0;

    internal double CallDouble(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return result.Tag == ValueTag.Double ? result.Real : result.Integer;
    }

    internal Scalar CallScalar(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        if (result.Tag != ValueTag.Complex) return Scalar.From(result.Tag, result.Integer);
        var parts = (double*)result.Pointer;
        var complex = new System.Numerics.Complex(parts[0], parts[1]);
        NativeMethods.tessera_free(parts);
        return complex;
    }

    private static Tensor[] Tensors(NativeValue list)
    {
        var impls = (IntPtr*)list.Pointer;
        var tensors = new Tensor[list.Count];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = new Tensor(impls[i]);
        NativeMethods.tessera_free(impls);
        return tensors;
    }

    private int Invoke(ReadOnlySpan<Argument> arguments, NativeValue* results, int capacity)
    {
        var values = stackalloc NativeValue[MostArguments];
        var extra = 0;
        for (var i = 0; i < arguments.Length; i++)
        {
            ref readonly var argument = ref arguments[i];
            var value = values + i;
            value->Tag = argument.Tag;
            value->Integer = argument.Bits;
            if (argument.Tag == ValueTag.Tensor) value->Pointer = Unsafe.As<Tensor>(argument.Reference!).Handle;
            else if (argument.Reference is not null) extra += ExtraBytes(argument);
            else if (argument.Tag == ValueTag.Device)
            {
                value->Integer = argument.Bits >> 32;
                value->Count = (int)argument.Bits;
            }
        }
        return extra == 0 ? Check.Result(NativeMethods.tessera_call(Handle, values, arguments.Length, results, capacity))
            : InvokeWithLists(arguments, values, extra, results, capacity);
    }

    // Strings and lists are copied beside the values: on the stack, unless they are long.
    private int InvokeWithLists(ReadOnlySpan<Argument> arguments, NativeValue* values, int bytes, NativeValue* results, int capacity)
    {
        if (bytes > 4096)
        {
            var heap = (byte*)NativeMemory.Alloc((nuint)bytes);
            try { return Fill(arguments, values, heap, results, capacity); }
            finally { NativeMemory.Free(heap); }
        }
        var stack = stackalloc long[(bytes + 7) / 8];
        return Fill(arguments, values, (byte*)stack, results, capacity);
    }

    private int Fill(ReadOnlySpan<Argument> arguments, NativeValue* values, byte* buffer, NativeValue* results, int capacity)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            ref readonly var argument = ref arguments[i];
            if (argument.Reference is null || argument.Tag == ValueTag.Tensor) continue;
            values[i].Pointer = (IntPtr)buffer;
            switch (argument.Reference)
            {
                case long[] integers:
                    integers.CopyTo(new Span<long>(buffer, integers.Length));
                    values[i].Count = integers.Length;
                    break;
                case double[] reals:
                    reals.CopyTo(new Span<double>(buffer, reals.Length));
                    values[i].Count = reals.Length;
                    break;
                case bool[] flags:
                    MemoryMarshal.AsBytes(flags.AsSpan()).CopyTo(new Span<byte>(buffer, flags.Length));
                    values[i].Count = flags.Length;
                    break;
                case string text:
                    values[i].Count = Encoding.UTF8.GetBytes(text, new Span<byte>(buffer, Encoding.UTF8.GetMaxByteCount(text.Length)));
                    break;
                case Tensor?[] tensors:
                    for (var j = 0; j < tensors.Length; j++) ((IntPtr*)buffer)[j] = tensors[j]?.Handle ?? IntPtr.Zero;
                    values[i].Count = tensors.Length;
                    break;
                case Generator generator:
                    values[i].Pointer = generator.Handle;
                    break;
                case Scalar scalar:
                    ((double*)buffer)[0] = scalar.ToComplexFloat64().Real;
                    ((double*)buffer)[1] = scalar.ToComplexFloat64().Imaginary;
                    break;
            }
            buffer += ExtraBytes(argument);
        }
        return Check.Result(NativeMethods.tessera_call(Handle, values, arguments.Length, results, capacity));
    }

    private static int ExtraBytes(in Argument argument) => argument.Reference switch
    {
        long[] integers => Math.Max(integers.Length, 1) * 8,
        double[] reals => Math.Max(reals.Length, 1) * 8,
        bool[] flags => (flags.Length + 8) / 8 * 8,
        string text => (Encoding.UTF8.GetMaxByteCount(text.Length) + 8) / 8 * 8,
        Tensor?[] tensors => Math.Max(tensors.Length, 1) * sizeof(IntPtr),
        Scalar => 16,
        _ => 8,
    };
}
