using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A loss of 2 inputs.</summary>
public abstract class Loss<T1, T2, TResult> : nn.Module<T1, T2, TResult>
{
    /// <param name="reduction">How the elements are joined.</param>
    public Loss(nn.Reduction reduction = nn.Reduction.Mean) : base("Loss") => this.reduction = reduction;

    public nn.Reduction reduction { get; }

    public override string GetName() => GetType().Name;
}

/// <summary>A loss of 3 inputs.</summary>
public abstract class Loss<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>
{
    /// <param name="reduction">How the elements are joined.</param>
    public Loss(nn.Reduction reduction = nn.Reduction.Mean) : base("Loss") => this.reduction = reduction;

    public nn.Reduction reduction { get; }

    public override string GetName() => GetType().Name;
}

/// <summary>A loss of 4 inputs.</summary>
public abstract class Loss<T1, T2, T3, T4, TResult> : nn.Module<T1, T2, T3, T4, TResult>
{
    /// <param name="reduction">How the elements are joined.</param>
    public Loss(nn.Reduction reduction = nn.Reduction.Mean) : base("Loss") => this.reduction = reduction;

    public nn.Reduction reduction { get; }

    public override string GetName() => GetType().Name;
}

/// <summary>A loss of 2 inputs whose classes or elements have weights.</summary>
public abstract class WeightedLoss<T1, T2, TResult> : Loss<T1, T2, TResult>
{
    /// <param name="weight">One weight for each class, or for each element.</param>
    /// <param name="reduction">How the elements are joined.</param>
    public WeightedLoss(Tensor? weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.weight = weight;

    public Tensor? weight { get; }
}

/// <summary>A loss of 3 inputs whose classes or elements have weights.</summary>
public abstract class WeightedLoss<T1, T2, T3, TResult> : Loss<T1, T2, T3, TResult>
{
    /// <param name="weight">One weight for each class, or for each element.</param>
    /// <param name="reduction">How the elements are joined.</param>
    public WeightedLoss(Tensor? weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.weight = weight;

    public Tensor? weight { get; }
}

/// <summary>A loss of 4 inputs whose classes or elements have weights.</summary>
public abstract class WeightedLoss<T1, T2, T3, T4, TResult> : Loss<T1, T2, T3, T4, TResult>
{
    /// <param name="weight">One weight for each class, or for each element.</param>
    /// <param name="reduction">How the elements are joined.</param>
    public WeightedLoss(Tensor? weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction) => this.weight = weight;

    public Tensor? weight { get; }
}
