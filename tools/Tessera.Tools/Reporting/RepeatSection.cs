using System.Globalization;
using Tessera.Tools.Output;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>What a run ran on, and how it is run again.</summary>
internal static class RepeatSection
{
    public static Html Of(ReportedRun run)
    {
        if (run.Facts is not { } facts)
            return Html.Of($"<p class=\"note\">There is no run.json in the work dir, so it is unknown what the run ran on.</p>");
        var variables = facts
            .Variables.Where(variable => variable.Value is not null)
            .Select(variable => Row(variable.Key, variable.Value!));
        return Html.Of(
            $"""
            <h3>To train it again, and compare</h3>
            <pre class="wrap">{CommandName.Prefix}repeat --from {run.Folder}</pre>
            <h3>As it was started</h3>
            <pre class="wrap">cd {facts.Directory}
            {facts.Command ?? "(from code, not by a command)"}</pre>
            <p>With the same number of threads on the same kind of machine the figures are the same to the last bit.</p>
            <h3>What it ran on</h3>
            <dl class="facts">{Row("seed", facts.Seed.ToString(CultureInfo.InvariantCulture))}{Row(
                "threads",
                facts.Threads.ToString(CultureInfo.InvariantCulture)
            )}{facts.Environment.Where(line => line.Key != "seed").Select(line => Row(line.Key, line.Value))}{variables}</dl>
            """
        );
    }

    private static Html Row(string name, string value) => Html.Of($"<dt>{name}</dt><dd>{value}</dd>");
}
