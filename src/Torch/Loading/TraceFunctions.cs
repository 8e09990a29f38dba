using System.Text;
using Tessera.Torch;

namespace Tessera.Torch.Loading;

/// <summary>The functions of libtorch's execution trace. They are C++ and take a std::string, whose layout each system's standard library
/// fixes.</summary>
internal sealed unsafe class TraceFunctions
{
    /// <summary>Add, enable, disable, remove, the thread's number, and the level below which libtorch prints no messages.</summary>
    internal static readonly string[] Names = OperatingSystem.IsWindows()
        ?
        [
            "?addExecutionTraceObserver@impl@profiler@torch@@YA_NAEBV?$basic_string@DU?$char_traits@D@std@@V?$allocator@D@2@@std@@@Z",
            "?enableExecutionTraceObserver@impl@profiler@torch@@YAXXZ",
            "?disableExecutionTraceObserver@impl@profiler@torch@@YAXXZ",
            "?removeExecutionTraceObserver@impl@profiler@torch@@YAXXZ",
            "?currentThreadId@RecordFunction@at@@SA_KXZ",
            "?FLAGS_caffe2_log_level@@3HA",
        ]
        :
        [
            OperatingSystem.IsMacOS()
                ? "_ZN5torch8profiler4impl25addExecutionTraceObserverERKNSt3__112basic_stringIcNS2_11char_traitsIcEENS2_9allocatorIcEEEE"
                : "_ZN5torch8profiler4impl25addExecutionTraceObserverERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
            "_ZN5torch8profiler4impl28enableExecutionTraceObserverEv",
            "_ZN5torch8profiler4impl29disableExecutionTraceObserverEv",
            "_ZN5torch8profiler4impl28removeExecutionTraceObserverEv",
            "_ZN2at14RecordFunction15currentThreadIdEv",
            "FLAGS_caffe2_log_level",
        ];

    private const int Errors = 2; // c10's levels: INFO 0, WARNING 1, ERROR 2

    private readonly delegate* unmanaged<nint*, byte> _add;
    private readonly delegate* unmanaged<void> _enable,
        _disable,
        _remove;
    private readonly delegate* unmanaged<ulong> _thread;
    private readonly int* _level;

    private TraceFunctions(nint[] found)
    {
        _add = (delegate* unmanaged<nint*, byte>)found[0];
        _enable = (delegate* unmanaged<void>)found[1];
        _disable = (delegate* unmanaged<void>)found[2];
        _remove = (delegate* unmanaged<void>)found[3];
        _thread = (delegate* unmanaged<ulong>)found[4];
        _level = (int*)found[5];
    }

    /// <param name="find">The address of an exported name; 0 where there is none.</param>
    /// <returns>null where one is missing.</returns>
    public static TraceFunctions? Find(Func<string, nint> find)
    {
        var found = Names.Select(find).ToArray();
        return found.Contains(0) ? null : new TraceFunctions(found);
    }

    /// <summary>libtorch's number of this thread.</summary>
    public long Thread => (long)_thread();

    /// <summary>Adds the process's one observer, which does not watch yet. The file is opened for writing from its beginning.</summary>
    /// <returns>Whether it could be.</returns>
    public bool Add(string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path + '\0');
        nint length = bytes.Length - 1,
            capacity = Math.Max(bytes.Length - 1, 32); // a short capacity would say that the text lies within the object
        fixed (byte* text = bytes)
        {
            var words = stackalloc nint[4];
            words[0] = (nint)text;
            if (OperatingSystem.IsWindows())
                (words[2], words[3]) = (length, capacity);
            else if (OperatingSystem.IsMacOS())
                (words[1], words[2]) = (length, capacity | nint.MinValue); // the highest bit: not within the object
            else
                (words[1], words[2]) = (length, capacity);
            return _add(words) != 0;
        }
    }

    public void Enable() => Quietly(_enable);

    public void Disable() => Quietly(_disable);

    public void Remove() => _remove();

    // Both warn of nothing but themselves.
    private void Quietly(delegate* unmanaged<void> call)
    {
        var before = *_level;
        *_level = Math.Max(before, Errors);
        call();
        *_level = before;
    }
}
