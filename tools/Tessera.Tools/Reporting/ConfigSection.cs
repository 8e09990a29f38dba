using Tessera.Framework.Configuration;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>What was configured: what the run's own file and command line say over the bases, and all of it.</summary>
internal static class ConfigSection
{
    private const int Long = 160;

    /// <param name="id">Of the table.</param>
    public static Html Of(ReportedRun run, string id) => Html.Join([Changes(run, id), Whole(run)]);

    private static Html Changes(ReportedRun run, string id)
    {
        if (run.Facts is not { } facts)
            return Html.Of($"<p class=\"note\">There is no run.json in the work dir, so it is unknown what the config changes.</p>");
        if (facts.Config is null)
            return Html.Of($"<p>Which values are the config's own and which its bases', this run did not note.</p>");
        var source =
            facts.Bases.Count > 0
                ? Html.Of($"<p><code>{facts.Config}</code> stands on {facts.Bases.Select(file => Html.Of($"<code>{file}</code> "))}</p>")
                : Html.Of($"<p><code>{facts.Config}</code> has no bases; what the command line changed in it:</p>");
        if (facts.Changes.Count == 0)
            return Html.Join([source, Html.Of($"<p>Nothing was changed.</p>")]);
        var rows = facts.Changes.Select(change =>
            (IReadOnlyList<PageCell>)
                [new(Html.Of($"<code>{change.Key}</code>")), Value(change.Before), Value(change.Now), PageCell.Of(change.Where)]
        );
        return Html.Join([
            source,
            PageTable.Of(
                id,
                facts.Bases.Count > 0 ? "What this run sets that its bases do not." : "What the command line set.",
                [new("key", false, true), new("before", false, true), new("in this run", false, true), new("set by", false, true)],
                [.. rows]
            ),
        ]);
    }

    private static PageCell Value(string? json) =>
        json is null ? new PageCell(Html.Of($"<span class=\"soft\">not set</span>"))
        : json.Length <= Long ? new PageCell(Html.Of($"<code>{json}</code>"))
        : new PageCell(Html.Of($"<details><summary>{json[..40]} …</summary><code>{json}</code></details>"));

    private static Html Whole(ReportedRun run) =>
        run.Config is { } config
            ? Html.Of($"<details><summary>The whole config, as the run saved it</summary><pre>{config.SaveText()}</pre></details>")
            : Html.Empty;

    /// <summary>Two runs' differences.</summary>
    public static Html Between(ConfigDocument first, ConfigDocument second, string firstName, string secondName, string id)
    {
        var found = Framework.Running.ConfigChanges.Find(first, second);
        return found.Count == 0
            ? Html.Of($"<p>Their configs are the same.</p>")
            : PageTable.Of(
                id,
                "Where their configs differ.",
                [new("key", false, true), new(firstName, false, true), new(secondName, false, true)],
                [
                    .. found.Select(change =>
                        (IReadOnlyList<PageCell>)[new(Html.Of($"<code>{change.Path}</code>")), Value(change.Before), Value(change.Now)]
                    ),
                ]
            );
    }
}
