using System.Runtime.InteropServices;

namespace Tessera.Torch.Loading;

/// <summary>The functions of libtorch by which a callback is told of every operator, and those of TorchSharp's library that tell what a
/// tensor is. Why it exists: the execution trace has no values, and six decimals of a number.</summary>
internal sealed unsafe class WatchFunctions
{
    /// <summary>Add a callback to this thread, take it off, an operator's name and numbers of inputs and outputs, the undefined
    /// tensor.</summary>
    internal static readonly string[] Names = OperatingSystem.IsWindows()
        ?
        [
            "?addThreadLocalCallback@at@@YA_KVRecordFunctionCallback@1@@Z",
            "?removeCallback@at@@YAX_K@Z",
            "?name@RecordFunction@at@@QEBAPEBDXZ",
            "?num_inputs@RecordFunction@at@@QEBA_KXZ",
            "?num_outputs@RecordFunction@at@@QEBA_KXZ",
            "?_singleton@UndefinedTensorImpl@c10@@0V12@A",
        ]
        :
        [
            "_ZN2at22addThreadLocalCallbackENS_22RecordFunctionCallbackE",
            "_ZN2at14removeCallbackEm",
            "_ZNK2at14RecordFunction4nameEv",
            "_ZNK2at14RecordFunction10num_inputsEv",
            "_ZNK2at14RecordFunction11num_outputsEv",
            "_ZN3c1019UndefinedTensorImpl10_singletonE",
        ];

    private static readonly string[] s_tensorNames =
    [
        "THSTensor_data",
        "THSTensor_ndimension",
        "THSTensor_size",
        "THSTensor_stride",
        "THSTensor_storage_offset",
        "THSTensor_element_size",
        "THSTensor_is_sparse",
    ];

    private readonly delegate* unmanaged<RecordedCallback, ulong> _add;
    private readonly delegate* unmanaged<ulong, void> _remove;
    private readonly delegate* unmanaged<nint, byte*> _name;
    private readonly delegate* unmanaged<nint, nint> _inputs,
        _outputs;
    private readonly nint _undefined;
    private readonly delegate* unmanaged<nint, nint> _data;
    private readonly delegate* unmanaged<nint, long> _dimensions,
        _elementSize;
    private readonly delegate* unmanaged<nint, long, long> _size,
        _stride;
    private readonly delegate* unmanaged<nint, long> _offset;
    private readonly delegate* unmanaged<nint, byte> _sparse;

    private WatchFunctions(nint[] torch, nint[] tensor)
    {
        _add = (delegate* unmanaged<RecordedCallback, ulong>)torch[0];
        _remove = (delegate* unmanaged<ulong, void>)torch[1];
        _name = (delegate* unmanaged<nint, byte*>)torch[2];
        _inputs = (delegate* unmanaged<nint, nint>)torch[3];
        _outputs = (delegate* unmanaged<nint, nint>)torch[4];
        _undefined = torch[5];
        _data = (delegate* unmanaged<nint, nint>)tensor[0];
        _dimensions = (delegate* unmanaged<nint, long>)tensor[1];
        _size = (delegate* unmanaged<nint, long, long>)tensor[2];
        _stride = (delegate* unmanaged<nint, long, long>)tensor[3];
        _offset = (delegate* unmanaged<nint, long>)tensor[4];
        _elementSize = (delegate* unmanaged<nint, long>)tensor[5];
        _sparse = (delegate* unmanaged<nint, byte>)tensor[6];
    }

    /// <param name="find">The address of an exported name; 0 where there is none.</param>
    /// <returns>null where one is missing, or where C++ calls back in a way that C# can't answer (on ARM64).</returns>
    public static WatchFunctions? Find(Func<string, nint> find)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null;
        var torch = Names.Select(find).ToArray();
        var binding = Exports.Binding();
        if (torch.Contains(0) || binding == 0)
            return null;
        var tensor = Array.ConvertAll(s_tensorNames, name => NativeLibrary.TryGetExport(binding, name, out var found) ? found : 0);
        return tensor.Contains(0) ? null : new WatchFunctions(torch, tensor);
    }

    /// <returns>A handle for <see cref="Remove"/>.</returns>
    public ulong Add(RecordedCallback callback) => _add(callback);

    public void Remove(ulong handle) => _remove(handle);

    /// <param name="record">libtorch's record of an operator that runs.</param>
    public string Name(nint record) => Marshal.PtrToStringUTF8((nint)_name(record)) ?? "";

    public long Inputs(nint record) => _inputs(record);

    public long Outputs(nint record) => _outputs(record);

    /// <summary>What a tensor is; null where it has no memory of the common kind.</summary>
    /// <param name="handle">Address of a place that holds the tensor's address.</param>
    public WatchedTensor? Tensor(nint handle)
    {
        var address = *(nint*)handle;
        if (address == 0 || address == _undefined || _sparse(handle) != 0)
            return null;
        var (shape, strides) = (new long[_dimensions(handle)], new long[_dimensions(handle)]);
        for (var i = 0; i < shape.Length; i++)
            (shape[i], strides[i]) = (_size(handle, i), _stride(handle, i));
        var (data, size) = (_data(handle), (int)_elementSize(handle));
        return new WatchedTensor(data, data - ((nint)_offset(handle) * size), shape, strides, size);
    }
}

/// <summary>libtorch's RecordFunctionCallback, of the same layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RecordedCallback
{
    /// <summary>How many kinds of ranges libtorch 2.10 has, operators first.</summary>
    public const int Scopes = 10;

    public nint Start,
        End;
    public double Probability;
    public fixed byte InScope[Scopes];
    public byte NeedsInputs,
        NeedsOutputs,
        NeedsIds;
}

/// <summary>A tensor in memory.</summary>
/// <param name="Data">Its first element.</param>
/// <param name="Storage">The first byte of its memory.</param>
internal sealed record WatchedTensor(nint Data, nint Storage, long[] Shape, long[] Strides, int ElementSize);
