using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;

namespace Tessera.Datasets.Detection;

/// <summary>Tells now and then how far a long file is read, and in the end what it took.</summary>
internal sealed class ReadingProgress(string path, Stream stream)
{
    private const int Seldom = 1 << 13; // the clock is looked at once in so many

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10);
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _told;
    private int _seen;

    /// <summary>Another entry is read.</summary>
    /// <param name="boxes">So far.</param>
    public void Step(int boxes)
    {
        if (++_seen % Seldom != 0 || _watch.Elapsed - _told < s_pause)
            return;
        _told = _watch.Elapsed;
        s_log.LogInformation("{0}: {1} of {2} MiB are read, {3} boxes.", path, Mib(stream.Position), Mib(stream.Length), Number(boxes));
    }

    /// <summary>All is read; said of files that took long.</summary>
    public void End(int images, int boxes)
    {
        if (_told > TimeSpan.Zero)
            s_log.LogInformation(
                "{0}: {1} images and {2} boxes are read, in {3} s; {4} MiB of memory are in use.",
                path,
                Number(images),
                Number(boxes),
                Number((long)_watch.Elapsed.TotalSeconds),
                Mib(GC.GetTotalMemory(forceFullCollection: false))
            );
    }

    private static string Mib(long bytes) => Number(bytes >> 20);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
