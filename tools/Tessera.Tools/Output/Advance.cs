using System.Diagnostics;
using System.Globalization;

namespace Tessera.Tools.Output;

/// <summary>Progress of something that takes a while: one line that is rewritten on a terminal, a line every ten seconds when
/// piped.</summary>
internal sealed class Advance(string what)
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _said;

    public void Report(int done, int total)
    {
        var pause = Console.IsErrorRedirected ? TimeSpan.FromSeconds(10) : TimeSpan.FromSeconds(0.2);
        var ended = done == total && (_said > TimeSpan.Zero || !Console.IsErrorRedirected);
        if (_watch.Elapsed - _said < pause && !ended)
            return;
        _said = _watch.Elapsed;
        var left = _watch.Elapsed * ((double)(total - done) / Math.Max(done, 1));
        var line = string.Create(CultureInfo.InvariantCulture, $"{what}: {done}/{total}, {left:m\\:ss} left");
        if (Console.IsErrorRedirected)
            Console.Error.WriteLine(line);
        else
            Console.Error.Write("\r" + line.PadRight(60) + (done == total ? "\r" + new string(' ', 60) + "\r" : ""));
    }
}
