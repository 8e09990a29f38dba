using System.Globalization;
using System.Text;
using Snapshooter;
using Snapshooter.Xunit;

namespace Tessera.Tests.Tools.Output;

/// <summary>Compares a tool's whole output with a file of tests/Tools/__snapshots__. To accept a change: copy the file of __mismatch__ over
/// it, after reading the difference.</summary>
internal static class WholeOutput
{
    private static readonly string s_folder = Path.Combine(Snippets.Repository, "tests", "Tools");

    /// <summary>The output of a good run, numbers marked.</summary>
    /// <param name="folder">Where the tool worked.</param>
    /// <param name="code">Its exit code.</param>
    public static void OfGoodRun(string name, Said said, string folder, int code = 0)
    {
        Assert.True(said.Code == code, said.All);
        Match(name, said, text => Marks.In(text, folder, numbers: true));
    }

    /// <param name="marked">Replaces what differs from run to run.</param>
    public static void Match(string name, Said said, Func<string, string> marked)
    {
        // Snapshooter writes a file that is missing and passes; here that fails, so that a lost file is noticed.
        var existed = File.Exists(Path.Combine(s_folder, "__snapshots__", $"{name}.snap"));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"exit code {said.Code}\n").Append(marked(said.Output));
        if (said.Error.Length > 0)
            text.Append("--- standard error\n").Append(marked(said.Error));
        Snapshot.Match(text.ToString().ReplaceLineEndings("\n"), new SnapshotFullName($"{name}.snap", s_folder));
        Assert.True(existed, $"The snapshot \"{name}\" was missing and has been written: read it, then run the test again.");
    }
}
