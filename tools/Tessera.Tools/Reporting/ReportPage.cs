using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Tools.Comparison;
using Tessera.Tools.Output;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>The page of one or several runs.</summary>
/// <param name="runs">Each by another name.</param>
/// <param name="judged">Of two runs that are compared; null: they are only shown beside each other.</param>
internal sealed class ReportPage(IReadOnlyList<ReportedRun> runs, JudgedComparison? judged, ReportSettings settings)
{
    private const int PictureBytes = 3_200_000; // as files; a third more in the page

    private readonly List<(string Id, string Title)> _parts = [];
    private readonly List<Html> _body = [];
    private readonly PictureBudget _budget = new(
        PictureBytes,
        runs.Sum(run => (2 * settings.Count) + Math.Min(MapSection.Most, MapSection.Files(run.Folder).Length))
            + (judged is null ? 0 : ComparisonSection.Pictures)
    );

    private int _ids;

    /// <summary>The whole page.</summary>
    public string Write()
    {
        (ReportedRun Run, MeasuredRun? Measured)[] measured = [.. runs.Select(run => (run, Measure(run)))];
        var title = string.Join(", ", runs.Select(run => run.Name));
        if (judged is not null)
            Compare(measured);
        if (runs.Count > 1)
            Together(measured);
        foreach (var (run, found) in measured)
            One(run, found);

        var page = new HtmlPage(runs.Count == 1 ? $"{title}: report" : $"Report: {title}");
        page.Style("page.css");
        page.Script("page.js");
        page.Add(Html.Of($"<a class=\"skip\" href=\"#content\">To the content</a>"));
        page.Add(
            Html.Of(
                $"""
                <header class="top"><h1>{title}</h1>{(
                    runs.Count == 1 ? Html.Of($"<p class=\"lead\">{SummarySection.Sentence(runs[0])}</p>") : Html.Empty
                )}</header>
                <nav class="parts" aria-label="Parts of the page"><div><ul>{_parts.Select(part =>
                    Html.Of($"<li><a href=\"#{part.Id}\">{part.Title}</a></li>")
                )}</ul><button type="button" class="small" id="theme" aria-label="Light or dark">Auto</button></div></nav>
                <main id="content">{_body}</main>
                <footer>Made by Tessera {CommandName.Version} on {DateTime.Now.ToString(
                    "yyyy-MM-dd HH:mm",
                    CultureInfo.InvariantCulture
                )}. The page is whole in itself and loads nothing.</footer>
                """
            )
        );
        return page.ToString();
    }

    private void Compare((ReportedRun Run, MeasuredRun? Measured)[] measured)
    {
        var (first, second) = (measured[0], measured[1]);
        Part("Verdict", ComparisonSection.Verdict(judged!, first.Run.Name, second.Run.Name));
        if (first.Run.Config is { } before && second.Run.Config is { } after)
            Part("Differences", ConfigSection.Between(before, after, first.Run.Name, second.Run.Name, Id()));
        if (first.Measured is not { } a || second.Measured is not { } b)
            return;
        if (ComparisonSection.Classes(a, b, first.Run.Name, second.Run.Name, Id()) is { IsEmpty: false } classes)
            Part("Class by class", classes);
        Try("Where they differ", () => ComparisonSection.Images((first.Run, a), (second.Run, b), settings.LeastScore, _budget));
    }

    private void Together((ReportedRun, MeasuredRun?)[] measured)
    {
        Part("Curves", CurveSection.Of([.. runs.Select(run => run.Scalars with { Name = run.Name })]));
        Part("Metrics", MetricSection.Of(measured, Id()));
    }

    private void One(ReportedRun run, MeasuredRun? measured)
    {
        if (runs.Count > 1)
        {
            var id = Id();
            _parts.Add((id, run.Name));
            _body.Add(Html.Of($"<h2 class=\"run\" id=\"{id}\">{run.Name}</h2><p class=\"lead\">{SummarySection.Sentence(run)}</p>"));
        }
        _body.Add(SummarySection.Of(run, measured));
        if (runs.Count == 1)
        {
            Part("Curves", CurveSection.Of([run.Scalars]));
            Part("Metrics", MetricSection.Of([(run, measured)], Id()));
        }
        if (measured is not null)
        {
            if (MatrixSection.Of(measured, Id()) is { IsEmpty: false } matrix)
                Part("Confusion", matrix);
            Part("Classes", ClassTable.Of(measured, Id()));
            Try("Images", () => PictureSection.Of(run, measured, settings.Count, settings.LeastScore, _budget));
        }
        if (MapSection.Of(run.Folder, _budget) is { IsEmpty: false } maps)
            Part("Activation maps", maps);
        if (settings.CountsData)
            Try("Data", () => DataSection.Of(run.Session ?? throw new UserErrorException(run.NoSession!), Id()));
        Part("Config", ConfigSection.Of(run, Id()));
        Part("Repeat it", RepeatSection.Of(run));
    }

    /// <summary>What the stored predictions come to; where that can't be had, the page says why.</summary>
    private MeasuredRun? Measure(ReportedRun run)
    {
        if (run.Predictions is null)
        {
            run.Miss(
                "There are no stored predictions, so there is no confusion matrix, no table of classes and no picture. This command "
                    + "stores them: "
                    + ComparedRun.Command(run.Folder)
            );
            return null;
        }
        try
        {
            return MeasuredRun.Of(run, settings);
        }
        catch (UserErrorException error)
        {
            run.Miss(
                $"The predictions can't be measured, so there is no confusion matrix, no table of classes and no picture. {error.Message}"
            );
            return null;
        }
    }

    /// <summary>A part that needs the data; where that can't be read, it says so.</summary>
    private void Try(string title, Func<Html> make)
    {
        try
        {
            Part(title, make());
        }
        catch (UserErrorException error)
        {
            Part(title, SummarySection.Note($"This can't be shown here. {error.Message}"));
        }
    }

    private void Part(string title, Html content)
    {
        var id = Id();
        if (runs.Count == 1 || _parts.TrueForAll(part => part.Title != title) && !_parts.Exists(part => part.Title == runs[0].Name))
            _parts.Add((id, title));
        _body.Add(Html.Of($"<section class=\"part\" aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>{content}</section>"));
    }

    private string Id() => string.Create(CultureInfo.InvariantCulture, $"p{++_ids}");
}
