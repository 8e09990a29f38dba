using Tessera.Tools.Pages;
using Tessera.Tools.Reporting;

namespace Tessera.Tools.Boards;

/// <summary>The page of a board; its script asks the server for all that changes.</summary>
internal static class BoardPage
{
    public static string Write()
    {
        var page = new HtmlPage("Board") { AsksItsServer = true };
        page.Style("page.css");
        page.Script("page.js");
        page.Script("board.js");
        page.Add(
            Html.Of(
                $"""
                <header class="top"><h1>Board</h1><p class="lead"><output id="status" aria-live="off">Asking …</output></p></header>
                <nav class="parts" aria-label="Parts of the page"><div>
                <ul><li><a href="#content">Runs</a></li><li><a href="#curves">Curves</a></li></ul>
                <button type="button" class="small" id="theme" aria-label="Light or dark">Auto</button></div></nav>
                <main id="content">
                <section class="part"><h2>Runs</h2><div class="scroll" tabindex="0" role="region" aria-label="Runs"><table id="runs">
                <thead><tr><th scope="col">run</th><th scope="col">state</th><th scope="col" class="n">iteration</th>
                <th scope="col" class="n">epoch</th><th scope="col" class="n">loss</th><th scope="col">evaluated last</th>
                <th scope="col"></th></tr></thead>
                <tbody></tbody></table></div></section>
                <section class="part"><h2 id="curves">Curves</h2>
                {CurveSection.Smoothing}
                <div class="charts" id="charts"></div></section>
                <section class="part" id="with-maps" hidden><h2>Activation maps</h2>
                <div class="pictures tall" id="maps" style="--pic:20rem"></div></section>
                </main>
                """
            )
        );
        return page.ToString();
    }
}
