using System.Globalization;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

// A base for sequences of one's own with one to six inputs: it holds the modules, the subclass says how they are called.

/// <summary>Named modules whose <c>forward</c> with 1 input a subclass writes.</summary>
public abstract class Sequential<T, TResult> : nn.Module<T, TResult>
{
    protected Sequential(params (string name, nn.Module submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
            Add(name, module);
    }

    protected Sequential(params nn.Module[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules)
            Add(module);
    }

    public int Count => _internal_submodules.Count;

    [IndexerName("SequentialItems")]
    public nn.Module this[int index] => _internal_submodules[index].Item2;

    [IndexerName("SequentialItems")]
    public Sequential<T, TResult> this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential<T, TResult> this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential<T, TResult> append(nn.Module module)
    {
        Add(module);
        return this;
    }

    public Sequential<T, TResult> append(string name, nn.Module module)
    {
        Add(name, module);
        return this;
    }

    protected internal void Add(nn.Module module) => Add(Count.ToString(CultureInfo.InvariantCulture), module);

    protected internal void Add(string name, nn.Module sm) => register_module(name, sm);

    /// <summary>Only the subclass knows how to make another of itself.</summary>
    protected virtual Sequential<T, TResult> Slice(int start, int end) => throw new NotSupportedException($"{GetType().Name} doesn't override Slice.");
}

/// <summary>Named modules whose <c>forward</c> with 2 inputs a subclass writes.</summary>
public abstract class Sequential<T1, T2, TResult> : nn.Module<T1, T2, TResult>
{
    protected Sequential(params (string name, nn.Module submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
            Add(name, module);
    }

    protected Sequential(params nn.Module[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules)
            Add(module);
    }

    public int Count => _internal_submodules.Count;

    [IndexerName("SequentialItems")]
    public nn.Module this[int index] => _internal_submodules[index].Item2;

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, TResult> this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, TResult> this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential<T1, T2, TResult> append(nn.Module module)
    {
        Add(module);
        return this;
    }

    public Sequential<T1, T2, TResult> append(string name, nn.Module module)
    {
        Add(name, module);
        return this;
    }

    protected internal void Add(nn.Module module) => Add(Count.ToString(CultureInfo.InvariantCulture), module);

    protected internal void Add(string name, nn.Module sm) => register_module(name, sm);

    /// <summary>Only the subclass knows how to make another of itself.</summary>
    protected virtual Sequential<T1, T2, TResult> Slice(int start, int end) => throw new NotSupportedException($"{GetType().Name} doesn't override Slice.");
}

/// <summary>Named modules whose <c>forward</c> with 3 inputs a subclass writes.</summary>
public abstract class Sequential<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>
{
    protected Sequential(params (string name, nn.Module submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
            Add(name, module);
    }

    protected Sequential(params nn.Module[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules)
            Add(module);
    }

    public int Count => _internal_submodules.Count;

    [IndexerName("SequentialItems")]
    public nn.Module this[int index] => _internal_submodules[index].Item2;

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, TResult> this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, TResult> this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential<T1, T2, T3, TResult> append(nn.Module module)
    {
        Add(module);
        return this;
    }

    public Sequential<T1, T2, T3, TResult> append(string name, nn.Module module)
    {
        Add(name, module);
        return this;
    }

    protected internal void Add(nn.Module module) => Add(Count.ToString(CultureInfo.InvariantCulture), module);

    protected internal void Add(string name, nn.Module sm) => register_module(name, sm);

    /// <summary>Only the subclass knows how to make another of itself.</summary>
    protected virtual Sequential<T1, T2, T3, TResult> Slice(int start, int end) => throw new NotSupportedException($"{GetType().Name} doesn't override Slice.");
}

/// <summary>Named modules whose <c>forward</c> with 4 inputs a subclass writes.</summary>
public abstract class Sequential<T1, T2, T3, T4, TResult> : nn.Module<T1, T2, T3, T4, TResult>
{
    protected Sequential(params (string name, nn.Module submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
            Add(name, module);
    }

    protected Sequential(params nn.Module[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules)
            Add(module);
    }

    public int Count => _internal_submodules.Count;

    [IndexerName("SequentialItems")]
    public nn.Module this[int index] => _internal_submodules[index].Item2;

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, T4, TResult> this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, T4, TResult> this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential<T1, T2, T3, T4, TResult> append(nn.Module module)
    {
        Add(module);
        return this;
    }

    public Sequential<T1, T2, T3, T4, TResult> append(string name, nn.Module module)
    {
        Add(name, module);
        return this;
    }

    protected internal void Add(nn.Module module) => Add(Count.ToString(CultureInfo.InvariantCulture), module);

    protected internal void Add(string name, nn.Module sm) => register_module(name, sm);

    /// <summary>Only the subclass knows how to make another of itself.</summary>
    protected virtual Sequential<T1, T2, T3, T4, TResult> Slice(int start, int end) => throw new NotSupportedException($"{GetType().Name} doesn't override Slice.");
}

/// <summary>Named modules whose <c>forward</c> with 5 inputs a subclass writes.</summary>
public abstract class Sequential<T1, T2, T3, T4, T5, TResult> : nn.Module<T1, T2, T3, T4, T5, TResult>
{
    protected Sequential(params (string name, nn.Module submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
            Add(name, module);
    }

    protected Sequential(params nn.Module[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules)
            Add(module);
    }

    public int Count => _internal_submodules.Count;

    [IndexerName("SequentialItems")]
    public nn.Module this[int index] => _internal_submodules[index].Item2;

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, T4, T5, TResult> this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, T4, T5, TResult> this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential<T1, T2, T3, T4, T5, TResult> append(nn.Module module)
    {
        Add(module);
        return this;
    }

    public Sequential<T1, T2, T3, T4, T5, TResult> append(string name, nn.Module module)
    {
        Add(name, module);
        return this;
    }

    protected internal void Add(nn.Module module) => Add(Count.ToString(CultureInfo.InvariantCulture), module);

    protected internal void Add(string name, nn.Module sm) => register_module(name, sm);

    /// <summary>Only the subclass knows how to make another of itself.</summary>
    protected virtual Sequential<T1, T2, T3, T4, T5, TResult> Slice(int start, int end) => throw new NotSupportedException($"{GetType().Name} doesn't override Slice.");
}

/// <summary>Named modules whose <c>forward</c> with 6 inputs a subclass writes.</summary>
public abstract class Sequential<T1, T2, T3, T4, T5, T6, TResult> : nn.Module<T1, T2, T3, T4, T5, T6, TResult>
{
    protected Sequential(params (string name, nn.Module submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
            Add(name, module);
    }

    protected Sequential(params nn.Module[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules)
            Add(module);
    }

    public int Count => _internal_submodules.Count;

    [IndexerName("SequentialItems")]
    public nn.Module this[int index] => _internal_submodules[index].Item2;

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, T4, T5, T6, TResult> this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential<T1, T2, T3, T4, T5, T6, TResult> this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential<T1, T2, T3, T4, T5, T6, TResult> append(nn.Module module)
    {
        Add(module);
        return this;
    }

    public Sequential<T1, T2, T3, T4, T5, T6, TResult> append(string name, nn.Module module)
    {
        Add(name, module);
        return this;
    }

    protected internal void Add(nn.Module module) => Add(Count.ToString(CultureInfo.InvariantCulture), module);

    protected internal void Add(string name, nn.Module sm) => register_module(name, sm);

    /// <summary>Only the subclass knows how to make another of itself.</summary>
    protected virtual Sequential<T1, T2, T3, T4, T5, T6, TResult> Slice(int start, int end) => throw new NotSupportedException($"{GetType().Name} doesn't override Slice.");
}
