namespace Tessera.Framework.Metrics.Analysis;

/// <summary>Average precision of one class from boxes that are right or wrong.</summary>
internal static class TideCurve
{
    private const int Resolution = 100;

    /// <param name="points">Boxes with their scores; of equal scores the earlier goes first.</param>
    /// <param name="objects">How many are asked for.</param>
    /// <returns>The mean precision at recalls 0, 0.01 … 1, in [0, 1]; 0 where no object is asked for.</returns>
    public static double Ap(IEnumerable<(double Score, bool Right)> points, long objects)
    {
        if (objects <= 0)
            return 0;
        var (precisions, recalls) = (new List<double>(), new List<double>());
        var (right, wrong) = (0L, 0L);
        foreach (var point in points.OrderByDescending(point => point.Score)) // stable
        {
            if (point.Right)
                right++;
            else
                wrong++;
            precisions.Add((double)right / (right + wrong));
            recalls.Add((double)right / objects);
        }
        for (var i = precisions.Count - 1; i > 0; i--)
            precisions[i - 1] = Math.Max(precisions[i - 1], precisions[i]);
        var (sum, at) = (0.0, 0);
        for (var step = 0; step <= Resolution; step++)
        {
            while (at < recalls.Count && recalls[at] < (double)step / Resolution)
                at++;
            if (at == recalls.Count)
                break;
            sum += precisions[at];
        }
        return sum / (Resolution + 1);
    }
}
