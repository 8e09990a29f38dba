using Tensor = TorchSharp.torch.Tensor;

namespace TorchSharp;

/// <summary>Disposes the tensors made while it is the thread's innermost scope, except those moved out of it.</summary>
/// <remarks>Its tensors form a list linked through the tensors themselves: entering and leaving a scope allocates nothing.</remarks>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager? _manager;
    private Tensor? _first;
    private int _count;

    internal DisposeScope(DisposeScopeManager manager)
    {
        _manager = manager;
        OuterScope = manager.CurrentDisposeScope;
    }

    internal DisposeScope? OuterScope { get; set; }

    private DisposeScopeManager Manager => _manager ?? throw new ObjectDisposedException(nameof(DisposeScope));

    public int DisposablesCount
    {
        get
        {
            _ = Manager;
            return _count;
        }
    }

    /// <summary>What the scope holds now; a copy.</summary>
    public IReadOnlyList<IDisposable> DisposablesView
    {
        get
        {
            _ = Manager;
            var all = new List<IDisposable>(_count);
            for (var tensor = _first; tensor is not null; tensor = tensor.NextInScope) all.Add(tensor);
            return all;
        }
    }

    public bool Contains(IDisposable disposable) => disposable is Tensor tensor && tensor.OwningDisposeScope == this;

    internal void Link(Tensor tensor)
    {
        tensor.OwningDisposeScope = this;
        tensor.NextInScope = _first;
        if (_first is not null) _first.PreviousInScope = tensor;
        _first = tensor;
        _count++;
    }

    internal void Unlink(Tensor tensor)
    {
        if (tensor.PreviousInScope is { } previous) previous.NextInScope = tensor.NextInScope;
        else _first = tensor.NextInScope;
        if (tensor.NextInScope is { } next) next.PreviousInScope = tensor.PreviousInScope;
        tensor.NextInScope = tensor.PreviousInScope = null;
        tensor.OwningDisposeScope = null;
        _count--;
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(OuterScope, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        MoveToOther(OuterScope, first, second);

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => MoveToOther(OuterScope, first, second, third);

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        Move(disposable, scope);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (MoveToOther(scope, first), MoveToOther(scope, second));

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOther(scope, first), MoveToOther(scope, second), MoveToOther(scope, third));

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        _ = Manager;
        foreach (var disposable in disposables) Move(disposable, scope);
    }

    private void Move(IDisposable disposable, DisposeScope? scope)
    {
        if (scope is null) Release(disposable);
        else
        {
            _ = Manager;
            if (scope == this || disposable is not Tensor tensor || tensor.OwningDisposeScope != this) return;
            Unlink(tensor);
            scope.Link(tensor);
        }
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Release(disposable);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (Detach(first), Detach(second));

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => (Detach(first), Detach(second), Detach(third));

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        _ = Manager;
        foreach (var disposable in disposables) Release(disposable);
    }

    private void Release(IDisposable disposable)
    {
        var manager = Manager;
        if (disposable is not Tensor tensor || tensor.OwningDisposeScope != this) return;
        Unlink(tensor);
        manager.Counts.TensorStatistics.DetachedFromScopeCount++;
    }

    public void Attach(IDisposable disposable) => Attach((IEnumerable<IDisposable>)[disposable]);

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var manager = Manager;
        var all = new List<IDisposable>();
        foreach (var disposable in disposables)
        {
            if (disposable is not Tensor tensor) throw new InvalidOperationException("A dispose scope manages tensors only.");
            all.Add(disposable);
            if (tensor.OwningDisposeScope == this) continue;
            tensor.OwningDisposeScope?.Unlink(tensor);
            Link(tensor);
            manager.Counts.TensorStatistics.AttachedToScopeCount++;
        }
        return all;
    }

    public void DisposeEverything()
    {
        _ = Manager;
        while (_first is { } tensor) tensor.Dispose();
    }

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        _ = Manager;
        var keep = inKeep.ToHashSet(ReferenceEqualityComparer.Instance);
        for (var tensor = _first; tensor is not null;)
        {
            var next = tensor.NextInScope;
            if (!keep.Contains(tensor)) tensor.Dispose();
            tensor = next;
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        _ = Manager;
        if (disposable is Tensor tensor && tensor.OwningDisposeScope == this) Unlink(tensor);
    }

    public void Dispose()
    {
        if (_manager is null) return;
        DisposeEverything();
        _manager.Close(this);
        _manager = null;
    }
}
