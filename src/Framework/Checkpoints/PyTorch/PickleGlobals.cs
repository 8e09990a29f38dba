namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>
/// The names that a pickle may use. A few stand for something this reader does itself; any other is a mere name, and what is
/// made of it an object without content that is passed over. None is looked up anywhere, and nothing of the file is executed.
/// Refused are forms of tensors that can't be read, which must not be missed, and names that only serve to run something.
/// </summary>
internal static class PickleGlobals
{
    /// <summary>Modules whose only use in a pickle is to run something. Nothing would run here; but such a file is not to be
    /// trusted.</summary>
    private static readonly HashSet<string> s_dangerous = new(StringComparer.Ordinal)
    {
        "os",
        "posix",
        "nt",
        "subprocess",
        "_posixsubprocess",
        "sys",
        "socket",
        "shutil",
        "importlib",
        "imp",
        "runpy",
        "zipimport",
        "pkgutil",
        "ctypes",
        "_ctypes",
        "pty",
        "popen2",
        "multiprocessing",
        "threading",
        "_thread",
        "signal",
        "codeop",
        "pdb",
        "bdb",
        "timeit",
        "cProfile",
        "doctest",
        "webbrowser",
        "pip",
        "ensurepip",
        "pickle",
        "_pickle",
        "cPickle",
        "marshal",
        "urllib",
        "urllib2",
        "httplib",
        "ftplib",
        "smtplib",
        "telnetlib",
        "asyncio",
    };

    private static readonly HashSet<string> s_dangerousBuiltins = new(StringComparer.Ordinal)
    {
        "eval",
        "exec",
        "execfile",
        "compile",
        "__import__",
        "open",
        "file",
        "input",
        "setattr",
        "delattr",
        "globals",
        "locals",
        "vars",
        "apply",
        "breakpoint",
        "map",
        "filter",
    };

    /// <summary>Where PyTorch's forms of tensors and storages lie, those that can't be read among them.</summary>
    private static readonly string[] s_tensorForms =
    [
        "torch._utils.",
        "torch._tensor.",
        "torch.storage.",
        "torch.jit.",
        "torch.hub.",
        "torch.serialization.",
        "torch.package.",
        "__torch__.",
    ];

    /// <summary>Kinds of storages, by what precedes "Storage".</summary>
    private static readonly (string Name, ElementType Type)[] s_storages =
    [
        ("Bool", ElementType.Bool),
        ("Byte", ElementType.UInt8),
        ("Char", ElementType.Int8),
        ("Short", ElementType.Int16),
        ("Int", ElementType.Int32),
        ("Long", ElementType.Int64),
        ("Half", ElementType.Float16),
        ("BFloat16", ElementType.BFloat16),
        ("Float", ElementType.Float32),
        ("Double", ElementType.Float64),
        ("ComplexFloat", ElementType.Complex64),
        ("ComplexDouble", ElementType.Complex128),
        ("Untyped", ElementType.UInt8),
    ];

    /// <summary>Element types, by their names in torch.</summary>
    private static readonly (string Name, ElementType Type)[] s_types =
    [
        ("bool", ElementType.Bool),
        ("uint8", ElementType.UInt8),
        ("int8", ElementType.Int8),
        ("uint16", ElementType.UInt16),
        ("int16", ElementType.Int16),
        ("short", ElementType.Int16),
        ("uint32", ElementType.UInt32),
        ("int32", ElementType.Int32),
        ("int", ElementType.Int32),
        ("uint64", ElementType.UInt64),
        ("int64", ElementType.Int64),
        ("long", ElementType.Int64),
        ("float16", ElementType.Float16),
        ("half", ElementType.Float16),
        ("bfloat16", ElementType.BFloat16),
        ("float32", ElementType.Float32),
        ("float", ElementType.Float32),
        ("float64", ElementType.Float64),
        ("double", ElementType.Float64),
        ("complex64", ElementType.Complex64),
        ("complex128", ElementType.Complex128),
        ("float8_e4m3fn", ElementType.Float8E4M3),
        ("float8_e5m2", ElementType.Float8E5M2),
        ("float8_e8m0fnu", ElementType.Float8E8M0),
    ];

    private static readonly Dictionary<string, PickleGlobal> s_allowed = Make(); // after what it is made from

    /// <returns>null where it is refused.</returns>
    public static PickleGlobal? Find(string module, string name)
    {
        var full = module + "." + name;
        if (s_allowed.TryGetValue(full, out var known))
            return known;
        var package = module.Split('.')[0];
        if (s_dangerous.Contains(package))
            return null;
        if (package is "builtins" or "__builtin__" or "__builtins__")
            return s_dangerousBuiltins.Contains(name.Split('.')[0]) ? null : new PickleGlobal(full, PickleCall.Object);
        return module == "torch" || s_tensorForms.Any(form => full.StartsWith(form, StringComparison.Ordinal))
            ? null
            : new PickleGlobal(full, PickleCall.Object);
    }

    /// <summary>What to tell about a refused name that is not malicious, only unsuited; null where there is nothing to tell.</summary>
    public static string? Hint(string name) =>
        name switch
        {
            _ when name.StartsWith("torch.Q", StringComparison.Ordinal) || name.Contains("rebuild_qtensor", StringComparison.Ordinal) =>
                " It is a quantised tensor, which can't be read here; publish the weights unquantised.",
            _ when name.Contains("rebuild_sparse", StringComparison.Ordinal) =>
                " It is a sparse tensor, which can't be read here; make it dense first.",
            _ when name.StartsWith("__torch__.", StringComparison.Ordinal) => " It is a TorchScript program; save its state dict instead.",
            _ => null,
        };

    private static Dictionary<string, PickleGlobal> Make()
    {
        var allowed = new Dictionary<string, PickleGlobal>(StringComparer.Ordinal);

        Add(PickleCall.Tensor, "torch._utils._rebuild_tensor");
        Add(PickleCall.TensorV2, "torch._utils._rebuild_tensor_v2");
        Add(PickleCall.TensorV3, "torch._utils._rebuild_tensor_v3");
        Add(PickleCall.Parameter, "torch._utils._rebuild_parameter");
        Add(PickleCall.ParameterWithState, "torch._utils._rebuild_parameter_with_state");
        Add(PickleCall.FromType, "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type");
        Add(
            PickleCall.None,
            "torch.Tensor",
            "torch.nn.parameter.Parameter",
            "torch.nn.parameter.Buffer",
            "torch.serialization._get_layout"
        );
        Add(PickleCall.Size, "torch.Size");
        Add(PickleCall.Device, "torch.device");
        Add(PickleCall.Dict, "collections.OrderedDict", "builtins.dict", "__builtin__.dict");
        Add(PickleCall.Counter, "collections.Counter");
        Add(PickleCall.DefaultDict, "collections.defaultdict");
        Add(PickleCall.List, "builtins.list", "__builtin__.list");
        Add(PickleCall.Set, "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset");
        Add(PickleCall.ByteArray, "builtins.bytearray", "__builtin__.bytearray");
        Add(PickleCall.None, "builtins.int", "__builtin__.int", "builtins.float", "__builtin__.float");
        Add(PickleCall.Encode, "_codecs.encode");
        Add(PickleCall.NumpyScalar, "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar");
        Add(PickleCall.NumpyArray, "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct");
        Add(PickleCall.None, "numpy.ndarray");
        Add(PickleCall.NumpyDType, "numpy.dtype");

        foreach (var (name, type) in s_storages)
        foreach (var module in new[] { "torch.", "torch.cuda.", "torch.storage." })
            AddType(module + name + "Storage", type);
        AddType("torch.storage._UntypedStorage", ElementType.UInt8);
        foreach (var (name, type) in s_types)
            AddType("torch." + name, type);
        return allowed;

        void Add(PickleCall call, params string[] names)
        {
            foreach (var name in names)
                allowed.Add(name, new PickleGlobal(name, call));
        }

        void AddType(string name, ElementType type) => allowed.Add(name, new PickleGlobal(name, PickleCall.DType, type));
    }
}
