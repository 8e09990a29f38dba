namespace Tessera.Ensembles;

/// <summary>Weights of an ensemble's members, not negative and summing to 1, that fit some data best.</summary>
public static class VoteWeights
{
    private const int MostSteps = 10_000;
    private const double Enough = 1e-12;

    /// <summary>The weights under which the data is most likely: the mean of log Σ w p is largest. It has one maximum, which
    /// expectation and maximisation climb to from equal weights.</summary>
    /// <param name="probabilities">Of each case, what each member gives to what is true.</param>
    public static double[] MostLikely(IReadOnlyList<double[]> probabilities)
    {
        var members = probabilities[0].Length;
        var weights = Votes.Equal(members);
        var next = new double[members];
        for (var step = 0; step < MostSteps; step++)
        {
            Array.Clear(next);
            var counted = 0;
            foreach (var given in probabilities)
            {
                double sum = 0;
                for (var m = 0; m < members; m++)
                    sum += weights[m] * given[m];
                if (!(sum > 0))
                    continue; // nobody thinks it possible, whatever the weights
                counted++;
                for (var m = 0; m < members; m++)
                    next[m] += weights[m] * given[m] / sum;
            }
            if (counted == 0)
                return weights;
            double change = 0;
            for (var m = 0; m < members; m++)
            {
                change = Math.Max(change, Math.Abs((next[m] / counted) - weights[m]));
                weights[m] = next[m] / counted;
            }
            if (change < Enough)
                break;
        }
        return weights;
    }

    /// <summary>The weights whose mean has the least squared error: wᵀ G w is least, G the products of the members' errors.</summary>
    /// <param name="errors">Of each case, each member's error.</param>
    public static double[] LeastSquares(IReadOnlyList<double[]> errors)
    {
        var members = errors[0].Length;
        var products = new double[members, members];
        foreach (var error in errors)
            for (var i = 0; i < members; i++)
            for (var j = 0; j < members; j++)
                products[i, j] += error[i] * error[j] / errors.Count;
        double trace = 0;
        for (var i = 0; i < members; i++)
            trace += products[i, i];
        var weights = Votes.Equal(members);
        if (!(trace > 0))
            return weights;
        var moved = new double[members];
        for (var step = 0; step < MostSteps; step++)
        {
            // The trace is at least the largest eigenvalue, so that no step is too long.
            for (var i = 0; i < members; i++)
            {
                double slope = 0;
                for (var j = 0; j < members; j++)
                    slope += products[i, j] * weights[j];
                moved[i] = weights[i] - (slope / trace);
            }
            var projected = OntoSimplex(moved);
            var change = projected.Zip(weights, (a, b) => Math.Abs(a - b)).Max();
            weights = projected;
            if (change < Enough)
                break;
        }
        return weights;
    }

    /// <summary>In proportion to figures of which more is better, such as each member's average precision; equal where all are 0.</summary>
    public static double[] InProportion(IReadOnlyList<double> figures)
    {
        var positive = figures.Select(figure => figure > 0 ? figure : 0).ToArray();
        var sum = positive.Sum();
        return sum > 0 ? Array.ConvertAll(positive, figure => figure / sum) : Votes.Equal(figures.Count);
    }

    /// <summary>The nearest point whose coordinates are not negative and sum to 1.</summary>
    /// <remarks>Held, Wolfe and Crowder, "Validation of subgradient optimization", Mathematical Programming 6, 1974.</remarks>
    private static double[] OntoSimplex(double[] point)
    {
        var falling = point.OrderDescending().ToArray();
        double sum = 0,
            shift = 0;
        for (var i = 0; i < falling.Length; i++)
        {
            sum += falling[i];
            if (falling[i] - ((sum - 1) / (i + 1)) > 0)
                shift = (sum - 1) / (i + 1);
        }
        return Array.ConvertAll(point, value => Math.Max(0, value - shift));
    }
}
