using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Suppression;

namespace Tessera.Models.Detection.Proposals;

/// <summary>Which of an image's guesses become proposals.</summary>
internal static class ProposalSelection
{
    /// <param name="found">The best of every map, decoded.</param>
    /// <param name="limit">At most this many.</param>
    /// <param name="least">Width and height are at least this, in pixels of the tensor.</param>
    /// <returns>Best first.</returns>
    public static BoxArray Best(Candidates found, ImageArea area, AnchorGrid grid, SuppressionMethod method, int limit, float least)
    {
        var clipped = area.Clip(BoxArray.Of(found.Corners));
        var (corners, scores, levels) = (new List<float>(found.Corners.Length), new List<float>(found.Count), new List<int>(found.Count));
        for (var i = 0; i < found.Count; i++)
        {
            if (!(clipped.X2[i] - clipped.X1[i] >= least && clipped.Y2[i] - clipped.Y1[i] >= least))
                continue; // too small, or no number
            corners.AddRange(clipped.X1[i], clipped.Y1[i], clipped.X2[i], clipped.Y2[i]);
            scores.Add(found.Scores[i]);
            levels.Add(LevelOf(found.Anchors[i], grid)); // suppression takes it for the class: maps don't touch each other
        }
        var candidates = new Candidates([.. corners], [.. scores], [.. levels]);
        var (kept, _) = method.Apply(candidates, limit);
        return BoxArray.Of([.. kept.SelectMany(i => candidates.Corners[(4 * i)..((4 * i) + 4)])]);
    }

    private static int LevelOf(int anchor, AnchorGrid grid)
    {
        var level = 0;
        while (level + 1 < grid.Levels.Count && anchor >= grid.Levels[level + 1].Start)
            level++;
        return level;
    }
}
